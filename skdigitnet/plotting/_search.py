"""The scores of a parameter search as a curve or a heat map."""

from __future__ import annotations

from textwrap import fill

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skdigitnet.plotting._common import (
    BLACK,
    BLUE,
    GREY,
    VERMILION,
    as_label,
    as_labels,
    import_pyplot,
    inches,
    is_number,
    settle_layout,
    widest_text,
)
from skdigitnet.plotting._scales import (
    decimals_for,
    name_columns,
    name_rows,
    name_values,
    spaced_geometrically,
)
from skdigitnet.plotting._search_results import SearchResults

CHARACTER = 0.08  # inches, the width of one, about
CELL_PADDING = 0.15  # inches beside and above a cell's text
LARGEST = 14.0  # inches, of a new figure's width and height
CELL_FONT = 9.0  # points
SMALLEST_FONT = 5.0  # points; smaller texts are left out of the cells
DEVIATION = "± 1 standard deviation"


class SearchDisplay:
    """Cross-validation scores over one parameter as a curve, over two as a heat map.

    A curve has a dot for every fold and the mean with one standard deviation either way;
    its axis is logarithmic where that spaces the values more evenly. A heat map has the
    mean and the standard deviation over the folds in each cell. The best mean has a star
    or a frame.

    Make one with :meth:`from_search` or :meth:`from_results`.

    Parameters
    ----------
    scores : ndarray of shape (n_values, n_splits) or (n_columns, n_rows, n_splits)
        Test score of each fold; NaN where there is none.
    parameters : list of str
        Names of the one or two parameters.
    values : list of list
        The values of each.
    best : tuple of int
        Place of the best among the scores.
    fixed : dict or None, default=None
        Values of the parameters that do not vary here, for the title.
    metric : str, default="score"
        Name of the score.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    line_ : matplotlib Line2D or None
        The means of a curve.
    folds_ : list of matplotlib Line2D
        The dots of a curve, one Line2D a fold.
    image_ : matplotlib AxesImage or None
        The means of a heat map.
    texts_ : dict of (int, int) to matplotlib Text
        Texts of the cells, by column and row; empty where they would be too small.
    best_ : matplotlib Line2D or Rectangle
        The star or frame.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import GridSearchCV
    >>> from skdigitnet import BackpropMLPClassifier
    >>> from skdigitnet.plotting import SearchDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = BackpropMLPClassifier((30,), tol=0.01, random_state=0)
    >>> grid = {"alpha": [0.01, 0.1, 1.0], "batch_size": [10, 50]}
    >>> search = GridSearchCV(clf, grid, cv=3, refit=False).fit(X / 16, y)
    >>> display = SearchDisplay.from_search(search)
    >>> display.ax_.get_xlabel(), display.ax_.get_ylabel()
    ('alpha', 'batch_size')
    >>> display = SearchDisplay.from_search(search, parameters="alpha")
    >>> display.ax_.get_xscale()
    'log'
    """

    def __init__(self, scores, *, parameters, values, best, fixed=None, metric="score"):
        self.scores = scores
        self.parameters = parameters
        self.values = values
        self.best = best
        self.fixed = fixed
        self.metric = metric

    def plot(self, ax=None, *, cmap="viridis", vmin=None):
        """Draw the curve or the heat map.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Where to draw, a heat map's colour bar included; None makes a figure.
        cmap : str or matplotlib Colormap, default="viridis"
            Colours of a heat map.
        vmin : float or None, default=None
            Score of a heat map's first colour, which lower scores have too, so that a few
            bad ones do not hide the differences among the good; None is the lowest.

        Returns
        -------
        display : SearchDisplay
            This one, with its attributes set.
        """
        plt = import_pyplot(self)
        self.line_, self.image_, self.folds_, self.texts_ = None, None, [], {}
        if len(self.parameters) == 1:
            self._draw_curve(plt, ax)
        else:
            self._draw_heat_map(plt, ax, cmap, vmin)
        self.figure_ = self.ax_.figure
        return self

    def _draw_curve(self, plt, ax):
        values, scores = self.values[0], np.asarray(self.scores)
        labels, mean = as_labels(values), scores.mean(axis=1)
        are_numbers = all(is_number(value) for value in values)
        if ax is None:
            width = 6.4 if are_numbers else np.clip(1.5 + 0.5 * len(values), 6.4, LARGEST)
            _, ax = plt.subplots(figsize=(width, 4.0), layout="constrained")
        self.ax_ = ax
        draw = self._draw_line if are_numbers else self._draw_points
        x, spread = draw(mean, scores.std(axis=1))
        self.folds_ = ax.plot(x, scores, ".", color=GREY, markersize=4, label="each fold")
        best = self.best[0]
        (self.best_,) = ax.plot(
            self.line_.get_xdata()[best],
            mean[best],
            "*",
            color=VERMILION,
            markeredgecolor="white",
            markersize=16,
            zorder=4,
            label=f"best: {labels[best]}",
        )
        ax.set_xlabel(self._short_name(self.parameters[0]), parse_math=False)
        ax.set_ylabel(self._score_name(), parse_math=False)
        legend = ax.legend(handles=[self.line_, spread, self.folds_[0], self.best_])
        for text in legend.get_texts():
            text.set_parse_math(False)
        settle_layout(ax.figure)
        self._draw_title()
        if are_numbers:
            name_values(ax, self.line_.get_xdata(), labels)
        else:
            name_columns(ax, labels)

    def _draw_line(self, mean, deviation):
        """Means over numbers; where the folds' dots go, and the band for the legend."""
        x = np.array(self.values[0], dtype=float)
        self.ax_.set_xscale("log" if spaced_geometrically(x) else "linear")
        (self.line_,) = self.ax_.plot(x, mean, "o-", color=BLUE, label="mean")
        band = {"color": BLUE, "alpha": 0.2, "linewidth": 0, "label": DEVIATION}
        return x, self.ax_.fill_between(x, mean - deviation, mean + deviation, **band)

    def _draw_points(self, mean, deviation):
        """Means over names; where the folds' dots go, and the bars for the legend."""
        x = np.arange(len(mean))
        (self.line_,) = self.ax_.plot(x, mean, "o", color=BLUE, zorder=3, label="mean")
        bars = {"fmt": "none", "color": BLUE, "capsize": 4, "label": DEVIATION}
        self.ax_.set_xlim(-0.5, len(mean) - 0.5)
        return x + 0.12, self.ax_.errorbar(x, mean, deviation, **bars)

    def _draw_heat_map(self, plt, ax, cmap, vmin):
        labels = [as_labels(column) for column in self.values]
        mean = np.asarray(self.scores).mean(axis=2)
        if ax is None:
            figure = plt.figure(figsize=self._heat_map_size(labels), layout="constrained")
            ax = figure.add_subplot()
        self.ax_ = ax
        self.image_ = ax.imshow(mean.T, origin="lower", aspect="auto", cmap=cmap, vmin=vmin)
        extend = "neither" if vmin is None or vmin <= np.nanmin(mean) else "min"
        colorbar = ax.figure.colorbar(self.image_, ax=ax, extend=extend)
        colorbar.set_label(self._score_name(), parse_math=False)
        ax.set_xlabel(self._short_name(self.parameters[0]), parse_math=False)
        ax.set_ylabel(self._short_name(self.parameters[1]), parse_math=False)
        name_rows(ax, labels[1])
        settle_layout(ax.figure)
        name_columns(ax, labels[0])
        self._draw_title()
        settle_layout(ax.figure)
        name_rows(ax, labels[1])  # again, as the others took from their height
        self._draw_frame(plt, "white", 6)
        self.best_ = self._draw_frame(plt, BLACK, 3)
        self._draw_cells(mean)

    def _heat_map_size(self, labels: list[list[str]]) -> np.ndarray:
        """Width and height of a new figure, in inches."""
        n_columns, n_rows = map(len, labels)
        longest = [max(map(len, column)) for column in labels]
        width = 2.2 + CHARACTER * longest[1] + 0.75 * n_columns
        height = 1.2 + 0.7 * CHARACTER * longest[0] + 0.5 * n_rows
        return np.clip((width, height), (4.8, 3.2), LARGEST)

    def _draw_frame(self, plt, color, points):
        """Around the best cell."""
        corner = np.array(self.best) - 0.5
        style = {"fill": False, "edgecolor": color, "linewidth": points}
        frame = plt.Rectangle(corner, 1, 1, clip_on=False, zorder=3, **style)
        return self.ax_.add_patch(frame)

    def _draw_cells(self, mean: np.ndarray):
        """Mean and deviation in each cell; the mean alone, or nothing, if cells are small."""
        deviation = np.asarray(self.scores).std(axis=2)
        decimals = decimals_for(deviation[tuple(self.best)])
        means, both = {}, {}
        for place, value in np.ndenumerate(mean):
            means[place] = "–" if np.isnan(value) else f"{value:.{decimals}f}"
            spread = "" if np.isnan(value) else f"\n±{deviation[place]:.{decimals}f}"
            both[place] = means[place] + spread
        cell = inches(self.ax_)[::-1] / mean.shape - CELL_PADDING
        for texts, n_lines in ((both, 2), (means, 1)):
            width = widest_text(self.ax_.figure, list(texts.values()), CELL_FONT, "bold")
            height = n_lines * 1.3 * CELL_FONT / 72
            size = CELL_FONT * min(1, cell[0] / width, cell[1] / height)
            if size >= SMALLEST_FONT:
                break
        else:
            return
        for place, text in texts.items():
            style = {"weight": "bold" if place == tuple(self.best) else "normal", "size": size}
            color = self._text_color(float(mean[place]))
            self.texts_[place] = self.ax_.text(
                *place, text, color=color, ha="center", va="center", **style
            )

    def _text_color(self, value: float) -> str:
        if np.isnan(value):
            return "black"
        red, green, blue, _ = self.image_.cmap(self.image_.norm(value))
        luma = 0.299 * red + 0.587 * green + 0.114 * blue  # ITU-R BT.601
        return "white" if luma < 0.5 else "black"

    def _draw_title(self):
        if self.fixed:
            held = [f"{self._short_name(k)} = {as_label(v)}" for k, v in self.fixed.items()]
            title = fill("with " + ", ".join(held), int(inches(self.ax_)[1] / CHARACTER))
            self.ax_.set_title(title, fontsize="medium", parse_math=False)

    def _score_name(self) -> str:
        return f"Mean {self.metric} of {np.shape(self.scores)[-1]} folds"

    def _short_name(self, name: str) -> str:
        """A parameter's name without its steps, unless that is another's too."""
        last = name.rpartition("__")[2]
        names = [*self.parameters, *(self.fixed or {})]
        return last if [each.rpartition("__")[2] for each in names].count(last) == 1 else name

    @classmethod
    def from_search(
        cls,
        search,
        *,
        parameters=None,
        fixed=None,
        metric=None,
        cmap="viridis",
        vmin=None,
        ax=None,
    ):
        """Draw the scores of a fitted search.

        Parameters
        ----------
        search : GridSearchCV, or RandomizedSearchCV over one parameter
            Fitted. Of several metrics, the one it refits by is the default.
        parameters, fixed, metric
            As of :meth:`from_results`.
        cmap, vmin, ax
            As of :meth:`plot`.

        Returns
        -------
        display : SearchDisplay

        Raises
        ------
        ValueError
            As :meth:`from_results`.
        """
        check_is_fitted(search, "cv_results_")
        if metric is None and isinstance(search.refit, str):
            metric = search.refit
        return cls.from_results(
            search.cv_results_,
            parameters=parameters,
            fixed=fixed,
            metric=metric,
            cmap=cmap,
            vmin=vmin,
            ax=ax,
        )

    @classmethod
    def from_results(
        cls,
        cv_results,
        *,
        parameters=None,
        fixed=None,
        metric=None,
        cmap="viridis",
        vmin=None,
        ax=None,
    ):
        """Draw the scores in ``cv_results_``.

        Parameters
        ----------
        cv_results : dict or DataFrame
            As a search's ``cv_results_``, or as a table that it was saved to is read,
            such as with ``pandas.read_csv``. The parameters are those in ``params``,
            or, where that is missing or text of other things than numbers, tuples and
            names, in the columns ``param_*``, where an empty field (None too, in a table)
            is a parameter that the candidate does not set, "default".
        parameters : str, sequence of one or two str, or None, default=None
            What to show, on the x-axis and the y-axis. A Pipeline's parameter may go by
            its last part ("alpha"). None shows all that vary and are not in ``fixed``.
            Others that vary are held at the values of the best candidate.
        fixed : dict or None, default=None
            Values at which to hold other parameters instead.
        metric : str or None, default=None
            One of a search's several metrics.
        cmap, vmin, ax
            As of :meth:`plot`.

        Returns
        -------
        display : SearchDisplay

        Raises
        ------
        ValueError
            If none or more than two parameters would be shown, a parameter, value or
            metric is not in the results, columns are missing or hold no numbers, or a
            candidate occurs twice.
        """
        results = SearchResults(cv_results, metric)
        shown, held = results.choose(parameters, fixed)
        values, scores, best = results.table(shown, held)
        return cls(
            scores,
            parameters=shown,
            values=values,
            best=best,
            fixed=held,
            metric=results.metric,
        ).plot(ax, cmap=cmap, vmin=vmin)
