"""Images of digits with their true and predicted labels."""

from __future__ import annotations

from textwrap import fill
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils import check_consistent_length, check_random_state

from skdigitnet.plotting._common import (
    VERMILION,
    as_images,
    as_label,
    check_count,
    import_pyplot,
    percent,
)
from skdigitnet.plotting._grid import ImageGrid

SELECTIONS = ("first", "random", "mistakes")
LINE_LENGTH = 18  # characters, above an image


class DigitGridDisplay:
    """Images in rows and columns, with their labels; wrong predictions stand out.

    Above each image are the predicted label and, if known, its confidence; if only true
    labels are given, the true label. A wrong prediction has a frame, bold coloured text
    and a second line, "not" and the true label.

    Create it with :meth:`from_estimator`, :meth:`from_predictions` or :meth:`from_data`,
    which choose the rows to show.

    Parameters
    ----------
    images : ndarray of shape (n_images, height, width)
        The images to show, all of them.
    y_true, y_pred : ndarray of shape (n_images,) or None, default=None
        True and predicted labels.
    confidence : ndarray of shape (n_images,) or None, default=None
        Probability of the predicted label.
    indices : ndarray of shape (n_images,) or None, default=None
        Rows of X that the images are; None numbers them from 0.

    Attributes
    ----------
    ax_ : matplotlib Axes
        With all images.
    figure_ : matplotlib Figure
    images_ : list of matplotlib AxesImage
    texts_ : list of matplotlib Text
        One an image; empty where there is nothing to say.
    frames_ : dict of int to matplotlib Rectangle
        Frames of the wrong ones, by their place among the images.

    See Also
    --------
    PredictionDisplay : One digit and the probability of every class.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skdigitnet import BackpropMLPClassifier
    >>> from skdigitnet.plotting import DigitGridDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = BackpropMLPClassifier(random_state=0).fit(X[:1000] / 16, y[:1000])
    >>> display = DigitGridDisplay.from_estimator(
    ...     clf, X[1000:] / 16, y[1000:], select="mistakes", n_digits=20
    ... )
    >>> len(display.images_), len(display.frames_)
    (20, 20)
    """

    def __init__(self, images, *, y_true=None, y_pred=None, confidence=None, indices=None):
        self.images = images
        self.y_true = y_true
        self.y_pred = y_pred
        self.confidence = confidence
        self.indices = indices

    def plot(self, ax=None, *, n_columns=None, cmap="gray_r"):
        """Draw all images.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Where to draw; None creates a figure that fits the images and their labels.
        n_columns : int or None, default=None
            Images per row; None shows them as large as possible.
        cmap : str or matplotlib Colormap, default="gray_r"
            Colours from the smallest to the largest pixel of all images.

        Returns
        -------
        display : DigitGridDisplay
            This one, with its attributes set.
        """
        plt = import_pyplot(self)
        wrong = self._wrong()
        grid = ImageGrid(plt, ax, self.images, self._labels(wrong), n_columns)
        self.images_ = grid.draw_images(cmap, self.images.min(), self.images.max())
        self.texts_ = grid.draw_texts()
        self.frames_ = {i: grid.draw_frame(plt, i, VERMILION, 2.5) for i in wrong}
        for i in wrong:
            self.texts_[i].set(color=VERMILION, weight="bold")
        self.ax_, self.figure_ = grid.ax, grid.ax.figure
        return self

    def _wrong(self) -> list[int]:
        if self.y_true is None or self.y_pred is None:
            return []
        return np.flatnonzero(self.y_true != self.y_pred).tolist()

    def _labels(self, wrong: list[int]) -> list[str]:
        shown = self.y_true if self.y_pred is None else self.y_pred
        if shown is None:
            return [""] * len(self.images)
        texts = [as_label(label) for label in shown]
        if self.confidence is not None:
            texts = [
                f"{text}  {percent(share)}"
                for text, share in zip(texts, self.confidence, strict=True)
            ]
        for i in wrong:
            texts[i] += f"\nnot {as_label(self.y_true[i])}"
        return ["\n".join(fill(line, LINE_LENGTH) for line in t.split("\n")) for t in texts]

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        y=None,
        *,
        image_shape=None,
        select="first",
        n_digits=40,
        random_state=None,
        n_columns=None,
        cmap="gray_r",
        ax=None,
    ):
        """Predict, choose rows and draw them.

        Parameters
        ----------
        estimator : classifier
            Fitted; may be a Pipeline or a search. Without ``predict_proba``, no
            confidence is shown.
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Input of the estimator, and the pixels of the images.
        y : array-like of shape (n_samples,) or None, default=None
            True labels.
        image_shape : tuple of (height, width) or None, default=None
            None means square images.
        select : {"first", "random", "mistakes"}, default="first"
            Which rows to show: the first, some at random, or the worst mistakes, those
            most confident in the wrong label first (in the order of X where there is no
            confidence).
        n_digits : int, default=40
            How many at most.
        random_state : int, RandomState instance or None, default=None
            Draws the rows of ``select="random"``.
        n_columns, cmap, ax
            As of :meth:`plot`.

        Returns
        -------
        display : DigitGridDisplay

        Raises
        ------
        ValueError
            If the features make no image of that shape, or ``select="mistakes"`` goes
            without ``y`` or there are none.
        """
        y_pred = np.asarray(estimator.predict(X))
        confidence = None
        if hasattr(estimator, "predict_proba") and y_pred.ndim == 1:
            columns = np.searchsorted(estimator.classes_, y_pred)
            confidence = estimator.predict_proba(X)[np.arange(len(y_pred)), columns]
        return cls.from_predictions(
            X,
            y,
            y_pred,
            confidence=confidence,
            image_shape=image_shape,
            select=select,
            n_digits=n_digits,
            random_state=random_state,
            n_columns=n_columns,
            cmap=cmap,
            ax=ax,
        )

    @classmethod
    def from_predictions(
        cls,
        X,
        y_true,
        y_pred,
        *,
        confidence=None,
        image_shape=None,
        select="first",
        n_digits=40,
        random_state=None,
        n_columns=None,
        cmap="gray_r",
        ax=None,
    ):
        """Choose rows of given predictions and draw them.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features), or array-like \
                of shape (n_samples, height, width)
            The images.
        y_true : array-like of shape (n_samples,) or None
            True labels.
        y_pred : array-like of shape (n_samples,) or None
            Predicted labels.
        confidence : array-like of shape (n_samples,) or None, default=None
            Probability of the predicted label, from 0 to 1.
        image_shape, select, n_digits, random_state
            As of :meth:`from_estimator`.
        n_columns, cmap, ax
            As of :meth:`plot`.

        Returns
        -------
        display : DigitGridDisplay

        Raises
        ------
        ValueError
            As :meth:`from_estimator`, and if lengths differ or ``confidence`` is not
            within 0 and 1.
        """
        X = X.tocsr() if sparse.issparse(X) else np.asarray(X)
        labels = {
            "y_true": _one_label_a_row("y_true", y_true),
            "y_pred": _one_label_a_row("y_pred", y_pred),
            "confidence": _checked_confidence(confidence),
        }
        check_consistent_length(X, *labels.values())
        rows = _choose_rows(X.shape[0], select, n_digits, random_state, **labels)
        shown = {name: None if v is None else v[rows] for name, v in labels.items()}
        display = cls(as_images(X[rows], image_shape), indices=rows, **shown)
        return display.plot(ax, n_columns=n_columns, cmap=cmap)

    @classmethod
    def from_data(
        cls,
        X,
        y=None,
        *,
        image_shape=None,
        select="first",
        n_digits=40,
        random_state=None,
        n_columns=None,
        cmap="gray_r",
        ax=None,
    ):
        """Draw images and their labels, if given, without predicting.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features), or array-like \
                of shape (n_samples, height, width)
            The images.
        y : array-like of shape (n_samples,) or None, default=None
            Labels.
        select : {"first", "random"}, default="first"
        image_shape, n_digits, random_state
            As of :meth:`from_estimator`.
        n_columns, cmap, ax
            As of :meth:`plot`.

        Returns
        -------
        display : DigitGridDisplay
        """
        return cls.from_predictions(
            X,
            y,
            None,
            image_shape=image_shape,
            select=select,
            n_digits=n_digits,
            random_state=random_state,
            n_columns=n_columns,
            cmap=cmap,
            ax=ax,
        )


def _one_label_a_row(name: str, y: Any) -> np.ndarray | None:
    if y is None:
        return None
    y = np.asarray(y)
    if y.ndim != 1:
        raise ValueError(
            f"{name} must have one label a row, shape (n_samples,); its shape is {y.shape}."
        )
    return y


def _checked_confidence(confidence: Any) -> np.ndarray | None:
    if confidence is None:
        return None
    confidence = np.asarray(confidence, dtype=float)
    if confidence.ndim != 1 or not ((confidence >= 0) & (confidence <= 1)).all():
        raise ValueError(
            "confidence must be the probability of each row's predicted label, of shape"
            " (n_samples,) and from 0 to 1; it is of shape"
            f" {confidence.shape}, from {confidence.min()} to {confidence.max()}."
        )
    return confidence


def _choose_rows(
    n_rows, select, n_digits, random_state, y_true, y_pred, confidence
) -> np.ndarray:
    if select not in SELECTIONS:
        raise ValueError(f"select must be one of {', '.join(SELECTIONS)}; it is {select!r}.")
    check_count("n_digits", n_digits)
    if n_rows == 0:
        raise ValueError("X has no rows; give one or more.")
    if select == "first":
        return np.arange(n_rows)[:n_digits]
    if select == "random":
        return check_random_state(random_state).permutation(n_rows)[:n_digits]
    if y_true is None or y_pred is None:
        raise ValueError('select="mistakes" needs true and predicted labels; give y.')
    wrong = np.flatnonzero(y_true != y_pred)
    if len(wrong) == 0:
        raise ValueError(
            f'select="mistakes" has nothing to show: all {n_rows} predictions are right.'
        )
    if confidence is not None:
        wrong = wrong[np.argsort(-confidence[wrong], kind="stable")]
    return wrong[:n_digits]
