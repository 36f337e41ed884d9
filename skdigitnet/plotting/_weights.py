"""The first layer's weights as images."""

from __future__ import annotations

import numpy as np

from skdigitnet.plotting._common import (
    as_images,
    as_label,
    check_count,
    find_network,
    import_pyplot,
)
from skdigitnet.plotting._grid import ImageGrid


class WeightImageDisplay:
    """Each hidden unit's first-layer weights as an image, the strongest unit first.

    Units are sorted by the Euclidean norm of their outgoing weights, largest first: how
    much they influence the next layer. All images share one colour scale, symmetric
    about zero. A network without hidden layers has an image for each output, in the
    order of the classes.

    Create it with :meth:`from_estimator`.

    Parameters
    ----------
    images : ndarray of shape (n_units, height, width)
        Weights from each pixel to the unit.
    labels : list of str
        What is above each image.

    Attributes
    ----------
    ax_ : matplotlib Axes
        With all images.
    figure_ : matplotlib Figure
    images_ : list of matplotlib AxesImage
    texts_ : list of matplotlib Text
    colorbar_ : matplotlib Colorbar

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skdigitnet import BackpropMLPClassifier
    >>> from skdigitnet.plotting import WeightImageDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = BackpropMLPClassifier((30,), random_state=0)
    >>> display = WeightImageDisplay.from_estimator(clf.fit(X / 16, y))
    >>> len(display.images_)
    30
    """

    def __init__(self, images, *, labels):
        self.images = images
        self.labels = labels

    def plot(self, ax=None, *, n_columns=None, cmap="RdBu_r", vmax=None):
        """Draw all images and the colour scale.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Where to draw, including the colour bar; None creates a figure.
        n_columns : int or None, default=None
            Images per row; None shows them as large as possible.
        cmap : str or matplotlib Colormap, default="RdBu_r"
            Blue is negative, white zero, red positive. Use a diverging colormap.
        vmax : float or None, default=None
            Colours go from ``-vmax`` to ``vmax``; None is the largest absolute weight
            shown.

        Returns
        -------
        display : WeightImageDisplay
            This one, with its attributes set.
        """
        plt = import_pyplot(self)
        largest = np.abs(self.images).max()
        vmax = largest if vmax is None else vmax
        if not vmax > 0:
            raise ValueError(f"vmax must be above 0, and no weight is; it is {vmax!r}.")
        grid = ImageGrid(plt, ax, self.images, self.labels, n_columns, bar=True)
        self.images_ = grid.draw_images(cmap, -vmax, vmax)
        self.ax_, self.figure_ = grid.ax, grid.ax.figure
        self.texts_ = grid.draw_texts()
        extend = "both" if vmax < largest else "neither"
        self.colorbar_ = grid.draw_bar(self.images_[0], "Weight", extend)
        return self

    @classmethod
    def from_estimator(
        cls,
        estimator,
        *,
        image_shape=None,
        n_units=100,
        n_columns=None,
        cmap="RdBu_r",
        vmax=None,
        ax=None,
    ):
        """Draw the weights of a fitted network.

        Parameters
        ----------
        estimator : estimator, Pipeline or search
            Fitted; it, its last step that has one, or the search's best has ``coefs_``.
        image_shape : tuple of (height, width) or None, default=None
            None is a square.
        n_units : int, default=100
            How many at most, the first in the order.
        n_columns, cmap, vmax, ax
            As of :meth:`plot`.

        Returns
        -------
        display : WeightImageDisplay

        Raises
        ------
        ValueError
            If the network's inputs make no image of that shape.
        AttributeError
            If nothing in the estimator has ``coefs_``.
        """
        check_count("n_units", n_units)
        network = find_network(estimator, "coefs_")
        weights = network.coefs_[0].T
        if len(network.coefs_) > 1:
            strength = np.linalg.norm(network.coefs_[1], axis=1)
            units = np.argsort(-strength, kind="stable")[:n_units]
            labels = [f"unit {unit}" for unit in units]
        else:
            # a single output is that of the last class
            units = np.arange(len(weights))[:n_units]
            outputs = getattr(network, "classes_", np.arange(len(weights)))[-len(weights) :]
            labels = [as_label(label) for label in outputs[units]]
        display = cls(as_images(weights[units], image_shape), labels=labels)
        return display.plot(ax, n_columns=n_columns, cmap=cmap, vmax=vmax)
