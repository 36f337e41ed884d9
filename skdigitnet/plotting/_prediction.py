"""One digit and the probabilities of its classes."""

from __future__ import annotations

import numpy as np

from skdigitnet.plotting._common import (
    BLUE,
    VERMILION,
    as_images,
    as_label,
    import_pyplot,
    percent,
    settle_layout,
    subdivide,
    widest_text,
)

UNDECIDED, OTHER = "#444444", "#BBBBBB"
TICKS = (0, 0.5, 1)


class PredictionDisplay:
    """One digit, and beside it the probability of every class as a bar.

    The bars of the predicted class and, if known, of the true class are labelled. The
    true class is blue, a wrong prediction red, and a prediction whose true class is
    unknown dark grey.

    Create it with :meth:`from_estimator`.

    Parameters
    ----------
    image : ndarray of shape (height, width)
        The digit.
    probabilities : ndarray of shape (n_classes,)
        Of each class.
    classes : array-like of shape (n_classes,)
        Their labels.
    y_pred : label
        The predicted class.
    y_true : label or None, default=None
        The true class; None is unknown.

    Attributes
    ----------
    axes_ : list of two matplotlib Axes
        The digit and the bars.
    figure_ : matplotlib Figure
    image_ : matplotlib AxesImage
    bars_ : list of matplotlib Rectangle
        One a class, the first on top.
    texts_ : dict of int to matplotlib Text
        Texts at the bars, by the class's place.

    See Also
    --------
    DigitGridDisplay : Many digits with their predictions.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skdigitnet import BackpropMLPClassifier
    >>> from skdigitnet.plotting import PredictionDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = BackpropMLPClassifier(random_state=0).fit(X[:1000] / 16, y[:1000])
    >>> display = PredictionDisplay.from_estimator(clf, X[1000] / 16, y[1000])
    >>> len(display.bars_)
    10
    """

    def __init__(self, image, probabilities, classes, *, y_pred, y_true=None):
        self.image = image
        self.probabilities = probabilities
        self.classes = classes
        self.y_pred = y_pred
        self.y_true = y_true

    def plot(self, ax=None, *, cmap="gray_r"):
        """Draw the digit and the bars.

        Parameters
        ----------
        ax : matplotlib Axes, sequence of two Axes or None, default=None
            Where to draw. One Axes is divided into two; of two Axes, the first shows the
            digit. None creates a figure.
        cmap : str or matplotlib Colormap, default="gray_r"
            Colours of the digit.

        Returns
        -------
        display : PredictionDisplay
            This one, with its attributes set.
        """
        plt = import_pyplot(self)
        labels = 0.075 * max(len(as_label(label)) for label in self.classes)  # inches
        self.axes_ = subdivide(
            plt,
            ax,
            (1, 2),
            figsize=(6.0 + labels, max(2.8, 1.0 + 0.24 * len(self.classes))),
            gap=0.25 + labels,
            width_ratios=(1, 1.7),
        )
        self.figure_ = self.axes_[0].figure
        self._draw_image(self.axes_[0], cmap)
        self._draw_bars(self.axes_[1])
        return self

    def _draw_image(self, ax, cmap):
        self.image_ = ax.imshow(self.image, cmap=cmap)
        ax.set(xticks=[], yticks=[])
        wrong = self.y_true is not None and self.y_true != self.y_pred
        ax.set_anchor("N")  # so that the title has the whole width
        title = f"Predicted {as_label(self.y_pred)}"
        if self.y_true is not None:
            title += f", not {as_label(self.y_true)}" if wrong else ", correctly"
        style = {"color": VERMILION, "weight": "bold"} if wrong else {}
        ax.set_title(title, loc="left", parse_math=False, **style)
        if wrong:
            ax.spines[:].set(color=VERMILION, linewidth=2.5)

    def _draw_bars(self, ax):
        places = np.arange(len(self.classes))
        labels = [as_label(label) for label in self.classes]
        ax.set_yticks(places, labels, parse_math=False)
        ax.set_xticks(TICKS, [percent(tick) for tick in TICKS])
        ax.set(xlim=(0, 1), ylim=(len(places) - 0.4, -0.6), xlabel="Probability")
        ax.spines[["top", "right"]].set_visible(False)
        marks = [self._mark(label) for label in self.classes]
        colors = [color for _, color in marks]
        self.bars_ = list(ax.barh(places, self.probabilities, height=0.8, color=colors))
        self.texts_ = {}
        for i, (share, (words, color)) in enumerate(
            zip(self.probabilities, marks, strict=True)
        ):
            if words or share >= 0.01:
                self.texts_[i] = self._draw_text(ax, i, share, words, color)
        self._fit_texts(ax)

    def _mark(self, label) -> tuple[str, str]:
        """The text for a class, and its colour."""
        predicted, true = label == self.y_pred, label == self.y_true
        if predicted and true:
            return "predicted, true", BLUE
        if predicted:
            return "predicted", UNDECIDED if self.y_true is None else VERMILION
        return ("true", BLUE) if true else ("", OTHER)

    def _draw_text(self, ax, i, share, words, color):
        inside = share > 0.5
        return ax.text(
            share,
            i,
            f" {percent(share)} {words} ",
            ha="right" if inside else "left",
            va="center",
            color="white" if inside and words else "black",
            weight="bold" if words else "normal",
        )

    def _fit_texts(self, ax):
        """Fit every text into half the width and the height of a bar."""
        settle_layout(self.figure_)
        box = ax.get_window_extent()
        size = min(t.get_size() for t in self.texts_.values())
        width = widest_text(
            self.figure_, [t.get_text() for t in self.texts_.values()], size, "bold"
        )
        scale = min(
            1,
            box.width / self.figure_.dpi / 2 / width,
            box.height / self.figure_.dpi / len(self.classes) * 72 / (1.2 * size),
        )
        for text in self.texts_.values():
            text.set_size(size * scale)

    @classmethod
    def from_estimator(cls, estimator, x, y=None, *, image_shape=None, cmap="gray_r", ax=None):
        """Predict one row and draw it.

        Parameters
        ----------
        estimator : classifier
            Fitted, with ``predict_proba``; may be a Pipeline or a search.
        x : array-like of shape (n_features,), or array-like or sparse matrix of shape \
                (1, n_features)
            The row to predict, and the pixels of the image.
        y : label, array-like of one label, or None, default=None
            The true class.
        image_shape : tuple of (height, width) or None, default=None
            None is a square.
        cmap, ax
            As of :meth:`plot`.

        Returns
        -------
        display : PredictionDisplay

        Raises
        ------
        ValueError
            If ``x`` is not one row, or makes no image of that shape, or there is not one
            label a row.
        AttributeError
            If the estimator has no ``predict_proba``.
        """
        if not hasattr(estimator, "predict_proba"):
            raise AttributeError(
                f"{type(estimator).__name__} has no predict_proba, so there are no"
                " probabilities to show. DigitGridDisplay does without."
            )
        if not hasattr(x, "ndim") or x.ndim == 1:
            x = np.reshape(x, (1, -1))
        if x.shape[0] != 1:
            raise ValueError(
                f"x must be one row, (n_features,) or (1, n_features); its shape is {x.shape}."
            )
        return cls(
            as_images(x, image_shape)[0],
            estimator.predict_proba(x)[0],
            estimator.classes_,
            y_pred=_one_label("The prediction", estimator.predict(x)),
            y_true=None if y is None else _one_label("y", y),
        ).plot(ax, cmap=cmap)


def _one_label(name: str, y):
    labels = np.ravel(y)
    if len(labels) != 1:
        raise ValueError(f"{name} must be one label; it has {len(labels)}.")
    return labels[0]
