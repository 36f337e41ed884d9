"""Training loss and validation score against epochs."""

from __future__ import annotations

from itertools import cycle
from typing import Any

import numpy as np

from skdigitnet.plotting._common import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY_BLUE,
    VERMILION,
    find_network,
    import_pyplot,
    subdivide,
)

COLORS = (BLUE, VERMILION, GREEN, BLACK, ORANGE, SKY_BLUE, PURPLE)
DASHES = ("-", "--", ":", "-.")
N_INSIDE = 6  # largest legend inside the axes of a new figure


class LossCurveDisplay:
    """Training loss of each epoch and, below it, the validation score.

    A dot marks the best epoch, whose weights the network kept. Several networks, such
    as those of cross-validation folds, share one figure.

    Parameters
    ----------
    loss_curves : list of array-like of shape (n_epochs,)
        A loss curve for each network.
    validation_scores : list of (array-like of shape (n_epochs,) or None), or None, \
            default=None
        The score of each epoch on held-out rows; None for a network without.
    best_iterations : list of (int or None), or None, default=None
        Each network's best epoch, counted from 1.
    labels : list of str or None, default=None
        Names of the networks in the legend. None numbers up to seven of them, and draws
        more of them all alike.

    Attributes
    ----------
    axes_ : list of matplotlib Axes
        The loss and, where a network has them, the validation scores.
    figure_ : matplotlib Figure
    loss_lines_, score_lines_ : list of matplotlib Line2D
        One for each network, and for each that has validation scores.
    best_markers_ : list of matplotlib Line2D
        The dots.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import cross_validate
    >>> from skdigitnet import BackpropMLPClassifier
    >>> from skdigitnet.plotting import LossCurveDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = BackpropMLPClassifier((30,), early_stopping=True, random_state=0)
    >>> folds = cross_validate(clf, X / 16, y, cv=3, return_estimator=True)
    >>> display = LossCurveDisplay.from_estimator(folds["estimator"], log_scale=True)
    >>> len(display.loss_lines_), len(display.score_lines_)
    (3, 3)
    """

    def __init__(
        self, loss_curves, *, validation_scores=None, best_iterations=None, labels=None
    ):
        self.loss_curves = loss_curves
        self.validation_scores = validation_scores
        self.best_iterations = best_iterations
        self.labels = labels

    def plot(self, ax=None, *, log_scale=False):
        """Draw all curves.

        Parameters
        ----------
        ax : matplotlib Axes, sequence of two Axes or None, default=None
            Where to draw. With validation scores, one Axes is divided into two; of two
            Axes, the first shows the loss. None creates a figure.
        log_scale : bool, default=False
            Whether the axis of the loss is logarithmic.

        Returns
        -------
        display : LossCurveDisplay
            This one, with its attributes set.
        """
        plt = import_pyplot(self)
        scores = self._one_each("validation_scores")
        best = self._one_each("best_iterations")
        panels = [("Training loss", self.loss_curves)]
        if any(score is not None for score in scores):
            panels.append(("Validation score", scores))
        figsize = self._figure_size(len(panels))
        self.axes_ = subdivide(plt, ax, (len(panels), 1), figsize, sharex=True)
        self.figure_ = self.axes_[0].figure
        self.best_markers_, lines = [], []
        for panel, (name, curves) in zip(self.axes_, panels, strict=True):
            lines.append(self._draw_curves(panel, curves, best))
            panel.set(xlabel="Epoch", ylabel=name)
            whole = plt.MaxNLocator("auto", integer=True, steps=[1, 2, 5, 10])
            panel.xaxis.set_major_locator(whole)
            panel.grid(color="#DDDDDD", linewidth=0.6)
        self.loss_lines_, self.score_lines_ = (*lines, [])[:2]
        if log_scale:
            self.axes_[0].set_yscale("log")
        if self.axes_[0].get_shared_x_axes().joined(self.axes_[0], self.axes_[-1]):
            self.axes_[0].label_outer()  # the lower panel says it
        self._draw_legend(best, own_figure=ax is None)
        return self

    def _figure_size(self, n_panels: int) -> tuple[float, float]:
        """Width and height in inches, with room for a legend beside the axes."""
        labels = self.labels if self.labels and len(self.labels) >= N_INSIDE else [""]
        width = 6.4 + 0.1 * max(map(len, labels))
        return width, max(2.4 + 1.6 * n_panels, 0.6 + 0.21 * len(labels))

    def _one_each(self, name: str) -> list:
        """An attribute with an entry for each curve."""
        values = getattr(self, name)
        values = [None] * len(self.loss_curves) if values is None else list(values)
        if len(values) != len(self.loss_curves):
            raise ValueError(
                f"{name} must have an entry for each of the {len(self.loss_curves)} loss"
                f" curves; it has {len(values)}."
            )
        return values

    def _styles(self) -> list[dict[str, Any]]:
        n_networks = len(self.loss_curves)
        if self.labels is not None:
            labels = self._one_each("labels")
        elif n_networks > len(COLORS):
            alike = {"color": BLUE, "linewidth": 0.8, "alpha": 0.6}
            return [alike | {"label": f"{n_networks} networks"}] + [alike] * (n_networks - 1)
        else:
            labels = [None] if n_networks == 1 else [str(i + 1) for i in range(n_networks)]
        styles = zip(cycle(COLORS), cycle(DASHES), labels)
        return [{"color": c, "linestyle": dash, "label": label} for c, dash, label in styles]

    def _draw_curves(self, ax, curves: list, best: list) -> list:
        lines = []
        for curve, epoch, style in zip(curves, best, self._styles(), strict=True):
            if curve is None:
                continue
            epochs = np.arange(1, len(curve) + 1)
            marker = "." if len(curve) == 1 else None  # a line of one point is not seen
            lines += ax.plot(epochs, curve, marker=marker, **style)
            if epoch is not None and len(curves) == 1:
                ax.axvline(epoch, color=GREY, linestyle=":", linewidth=1)
            if epoch is not None:
                self.best_markers_ += ax.plot(
                    epoch,
                    curve[epoch - 1],
                    "o",
                    color=lines[-1].get_color(),
                    markeredgecolor="white",
                    zorder=3,
                )
        return lines

    def _draw_legend(self, best: list, own_figure: bool):
        ax = self.axes_[0]
        handles = [line for line in self.loss_lines_ if not line.get_label().startswith("_")]
        numbered = self.labels is None and len(handles) > 1
        if self.best_markers_:
            epoch = f" ({best[0]})" if len(best) == 1 else ""
            handles += ax.plot(
                [], [], "o", color=GREY, markeredgecolor="white", label=f"best epoch{epoch}"
            )
        if not handles:
            return
        if own_figure and len(handles) > N_INSIDE:  # it would hide the curves
            legend = self.figure_.legend(handles=handles, loc="outside right upper")
        else:
            legend = ax.legend(handles=handles, loc="upper right")
        legend.set_title("Network" if numbered else None)
        for text in legend.get_texts():
            text.set_parse_math(False)

    @classmethod
    def from_estimator(cls, estimator, *, labels=None, log_scale=False, ax=None):
        """Draw the curves of one or several fitted networks.

        Parameters
        ----------
        estimator : estimator, Pipeline or search, or a sequence of them
            Fitted, such as ``cross_validate(..., return_estimator=True)["estimator"]``.
            The estimator, one of its steps, or the search's best estimator has
            ``loss_curve_``. ``validation_scores_`` are shown if it has them.
        labels : list of str or None, default=None
            Names for the legend, one for each estimator.
        log_scale, ax
            As of :meth:`plot`.

        Returns
        -------
        display : LossCurveDisplay

        Raises
        ------
        AttributeError
            If nothing in an estimator has ``loss_curve_``.
        """
        estimators = [estimator] if hasattr(estimator, "fit") else list(estimator)
        if not estimators:
            raise ValueError("estimator is an empty sequence; give one estimator or more.")
        networks = [find_network(each, "loss_curve_") for each in estimators]
        display = cls(
            [network.loss_curve_ for network in networks],
            validation_scores=[
                getattr(network, "validation_scores_", None) for network in networks
            ],
            best_iterations=[best_iteration(network) for network in networks],
            labels=labels,
        )
        return display.plot(ax, log_scale=log_scale)


def best_iteration(network: Any) -> int | None:
    """The epoch, from 1, whose weights the network kept; None if it kept the last.

    Without ``best_iteration_``, as in MLPClassifier, it is the first epoch with the
    highest validation score, whose weights MLPClassifier keeps.
    """
    if hasattr(network, "best_iteration_"):
        return network.best_iteration_
    scores = getattr(network, "validation_scores_", None)
    return None if scores is None else int(np.argmax(scores)) + 1
