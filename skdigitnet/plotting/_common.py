"""Shared by the displays: matplotlib, colours, axes, images, and finding the network."""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt
from numbers import Integral, Real
from types import ModuleType
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_is_fitted

# From M. Okabe and K. Ito, "Color universal design", 2008: colours that are
# distinguishable with every kind of colour vision.
BLACK, ORANGE, SKY_BLUE, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
BLUE, VERMILION, PURPLE = "#0072B2", "#D55E00", "#CC79A7"
GREY = "#777777"
LABEL_LENGTH = 28  # characters


def import_pyplot(display: object) -> ModuleType:
    """matplotlib.pyplot; if it is not installed, an ImportError that says how to get it."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f"{type(display).__name__}.plot needs matplotlib, which is not installed:"
            ' pip install "skdigitnet[plot]"'
        ) from error
    return plt


def subdivide(
    plt: ModuleType,
    ax,
    shape: tuple[int, int],
    figsize,
    *,
    sharex: bool = False,
    gap: float = 0.0,
    **grid,
) -> list:
    """Axes for several panels: in a new figure, in the place of ``ax``, or ``ax`` itself.

    Parameters
    ----------
    plt : module
        matplotlib.pyplot.
    ax : Axes, sequence of Axes or None
        One Axes is switched off and its place is divided; in a sequence, each Axes is
        a panel; None creates a figure.
    shape : tuple of int
        Rows and columns.
    figsize : tuple of float
        Of the new figure, in inches.
    sharex : bool
        Whether new panels share their x-axis.
    gap : float
        Inches between columns, where the figure's layout does not make room itself.
    **grid : dict
        Handed to :class:`matplotlib.gridspec.GridSpec`.

    Returns
    -------
    axes : list of Axes

    Raises
    ------
    ValueError
        If a sequence has another length, or a single Axes is not part of a grid.
    """
    n_panels = shape[0] * shape[1]
    if isinstance(ax, plt.Axes) and n_panels == 1:
        return [ax]
    if ax is None:
        figure = plt.figure(figsize=figsize, layout="constrained")
        cells = figure.add_gridspec(*shape, **grid)
    elif isinstance(ax, plt.Axes):
        place = ax.get_subplotspec()
        if place is None:
            raise ValueError(
                f"ax must have a place in a grid, such as plt.subplots makes, to be divided"
                f" into {n_panels} panels; give such an Axes, or a sequence of {n_panels} Axes."
            )
        ax.set_axis_off()
        figure = ax.figure
        if gap and figure.get_layout_engine() is None:
            columns = (inches(ax)[1] - (shape[1] - 1) * gap) / shape[1]
            grid["wspace"] = gap / max(columns, 0.01)
        cells = place.subgridspec(*shape, **grid)
    else:
        axes = list(np.ravel(ax))
        if len(axes) != n_panels:
            raise ValueError(f"ax has {len(axes)} Axes; give one Axes or {n_panels} of them.")
        return axes
    axes = [figure.add_subplot(cells[0, 0])]
    for place in list(np.ndindex(shape))[1:]:
        axes.append(figure.add_subplot(cells[place], sharex=axes[0] if sharex else None))
    return axes


def settle_layout(figure) -> None:
    """Let a layout engine move the Axes now, so that their sizes can be read."""
    if figure.get_layout_engine() is not None:
        figure.canvas.figure.draw_without_rendering()


def inches(ax) -> np.ndarray:
    """Height and width of an Axes."""
    box = ax.get_window_extent()
    return np.array([box.height, box.width]) / ax.figure.dpi


def widest_text(figure, texts: Sequence[str], size: float, weight: str = "normal") -> float:
    """Width in inches of the widest of these texts, at a size in points."""
    if not any(texts):
        return 0.0
    # one text of all their lines is as wide as the widest
    text = figure.text(0, 0, "\n".join(texts), size=size, weight=weight, parse_math=False)
    width = text.get_window_extent().width / figure.dpi
    text.remove()
    return width


def as_label(value: Any, digits: int = 6) -> str:
    """A class or a parameter value as one short line."""
    if isinstance(value, tuple):  # without the types of NumPy scalars
        items = ", ".join(as_label(item, digits) for item in value)
        text = f"({items},)" if len(value) == 1 else f"({items})"
    elif isinstance(value, Real) and not isinstance(value, Integral):
        text = f"{value:.{digits}g}"
    else:
        text = " ".join(str(value).split())
    return text if len(text) <= LABEL_LENGTH else text[: LABEL_LENGTH - 1] + "…"


def as_labels(values: Sequence) -> list[str]:
    """Labels of several values; numbers have three digits if these are distinct."""
    labels = [as_label(value, digits=3) for value in values]
    if len(set(labels)) < len(labels):
        labels = [as_label(value) for value in values]
    return labels


def check_count(name: str, value: Any) -> None:
    """Raise ValueError unless an argument is an integer of 1 or more."""
    if not isinstance(value, Integral) or value < 1:
        raise ValueError(f"{name} must be an integer of 1 or more; it is {value!r}.")


def is_number(value: Any) -> bool:
    """Whether the value is a real number other than True or False."""
    return isinstance(value, Real) and not isinstance(value, bool)


def as_images(X: Any, image_shape: tuple[int, int] | None) -> np.ndarray:
    """Rows of X as images.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_images, n_features), or array-like of \
            shape (n_images, height, width)
    image_shape : tuple of (height, width) or None
        None means square images.

    Returns
    -------
    images : ndarray of shape (n_images, height, width)

    Raises
    ------
    ValueError
        If the features do not make images of that shape.
    """
    X = X.toarray() if sparse.issparse(X) else np.asarray(X)
    if X.ndim == 3 and image_shape in (None, X.shape[1:]):
        return X
    if X.ndim != 2:
        raise ValueError(
            f"X must be of shape (n_images, n_features), or (n_images, height, width) with"
            f" image_shape None or the same; it is of shape {X.shape} and image_shape is"
            f" {image_shape}."
        )
    n_features = X.shape[1]
    if image_shape is None:
        image_shape = (isqrt(n_features), isqrt(n_features))
        if image_shape[0] ** 2 != n_features:
            raise ValueError(
                f"{n_features} features make no square image. Give image_shape=(height,"
                f" width) with height * width = {n_features}."
            )
    height, width = image_shape
    if height * width != n_features:
        raise ValueError(
            f"image_shape={image_shape} has {height * width} pixels, but there are"
            f" {n_features} features. Give (height, width) with height * width ="
            f" {n_features}."
        )
    return X.reshape(-1, height, width)


def find_network(estimator: Any, attribute: str) -> Any:
    """The fitted network: the estimator itself, a step of it, or its best estimator.

    Parameters
    ----------
    estimator : estimator, Pipeline or search
    attribute : str
        An attribute of the network, such as "loss_curve_".

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    AttributeError
        If nothing in it has the attribute.
    """
    check_is_fitted(estimator)
    candidates = [estimator, getattr(estimator, "best_estimator_", None)]
    for candidate in candidates:
        steps = [step for _, step in getattr(candidate, "steps", [])]
        for network in (candidate, *reversed(steps)):
            if hasattr(network, attribute):
                return network
    raise AttributeError(
        f"{type(estimator).__name__} has no {attribute}, and neither has any of its steps. Give"
        f" a fitted network such as BackpropMLPClassifier, a Pipeline that ends with one,"
        f" or a search over one."
    )


def percent(share: float) -> str:
    """``share`` in percent, where 0% and 100% are exactly that."""
    if 0 < share < 0.005:
        return "<1%"
    if 0.995 <= share < 1:
        return ">99%"
    return f"{share:.0%}"
