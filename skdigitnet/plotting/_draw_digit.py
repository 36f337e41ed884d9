"""A page to draw digits on, which shows what a network makes of them."""

from __future__ import annotations

import base64
import html
import json
import re
import warnings
import zlib
from math import isqrt
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_is_fitted

from skdigitnet._classifier import BackpropMLPClassifier
from skdigitnet._problem.arguments import plain
from skdigitnet._problem.prediction import output_layer_of
from skdigitnet._system.files import replacing
from skdigitnet.plotting._common import as_label, is_number

PAGE = Path(__file__).parent / "page"
STYLE = re.compile(r'<link rel="stylesheet" href="(\S+)">')
SCRIPT = re.compile(r'<script src="(\S+)"></script>')
NETWORK = '<script type="application/json" id="network"></script>'
FRAME_HEIGHT = 620  # CSS pixels, in a notebook


class DigitPage:
    """A page of HTML to draw digits on; a notebook shows it.

    Create it with :func:`draw_digit`.

    Parameters
    ----------
    html : str
        All of the page.
    """

    def __init__(self, html: str):
        self.html = html

    def __repr__(self) -> str:
        return f"<DigitPage of {len(self.html)} characters; draw_digit(..., path) writes it>"

    def _repr_html_(self) -> str:
        """The page in a frame of its own, so that its styles and scripts stay there."""
        return (
            f'<iframe srcdoc="{html.escape(self.html)}" title="Draw a digit"'
            f' sandbox="allow-scripts" width="100%" height="{FRAME_HEIGHT}"'
            ' style="border: 0"></iframe>'
        )


def draw_digit(estimator, path=None, *, max_pixel=1.0) -> DigitPage:
    """Make a page to draw a digit on, which shows how the network reads it meanwhile.

    One file of HTML with the network in it: it needs no server and no network connection,
    and works on a phone. Beside the drawing are the network's input, prepared as by
    :func:`~skdigitnet.datasets.load_image`, the activity of the hidden units, and the
    probability of every class.

    Parameters
    ----------
    estimator : BackpropMLPClassifier, Pipeline that ends with one, or search over one
        Fitted on square images. The other steps of a Pipeline must be affine functions of
        the pixels, as those of StandardScaler and PCA are.
    path : str, path-like or None, default=None
        Where to write the page, usually with a name that ends in ".html"; a file that
        exists is replaced. None only returns it.
    max_pixel : float, default=1.0
        The value of a black pixel in the rows that the estimator was fitted on: 1 for
        those of :func:`~skdigitnet.datasets.load_mnist`, 16 for those of
        :func:`sklearn.datasets.load_digits` unless they were divided by it.

    Returns
    -------
    page : DigitPage
        Which a notebook shows in a frame; ``page.html`` is the text.

    Raises
    ------
    NotFittedError
        Before fit.
    TypeError
        If the estimator is another one.
    ValueError
        If its rows are not square images, if another step is not affine, or if max_pixel
        is not a finite number above 0.
    OSError
        If the file cannot be written.

    Notes
    -----
    Images of 8 x 8 pixels are prepared as in scikit-learn's digits, ``load_image``'s
    ``size=8``; those of every other size as in MNIST, the digit in a box of 20/28 of the
    image. Unlike ``load_image`` the page takes whatever is drawn for one digit: nothing is
    refused or left out as a frame.

    Weights are kept in float32 and used in float64, so that probabilities equal those of
    ``predict_proba`` to 1e-5. Identity outputs have no probabilities, and the bars are
    then their values. The browser must have ``DecompressionStream``; Chromium is tested.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skdigitnet import BackpropMLPClassifier
    >>> from skdigitnet.plotting import draw_digit
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = BackpropMLPClassifier((30,), random_state=0).fit(X / 16, y)
    >>> page = draw_digit(clf)  # draw_digit(clf, "digit.html") writes it, too
    >>> "<canvas" in page.html
    True
    """
    if not is_number(max_pixel) or not 0 < max_pixel < np.inf:
        raise ValueError(
            f"max_pixel must be a finite number above 0, the value of a black pixel in the"
            f" rows that the estimator was fitted on; it is {max_pixel!r}."
        )
    content = (PAGE / "page.html").read_text(encoding="utf-8")
    content = STYLE.sub(lambda link: f"<style>\n{_file(link[1])}</style>", content)
    content = SCRIPT.sub(lambda link: f"<script>\n{_file(link[1])}</script>", content)
    network = json.dumps(_describe(estimator, max_pixel)).replace("<", "\\u003c")
    content = content.replace(NETWORK, NETWORK.replace("><", f">{network}<"))
    if path is not None:
        with replacing(Path(path)) as file:
            file.write(content.encode())
    return DigitPage(content)


def _file(name: str) -> str:
    return (PAGE / name).read_text(encoding="utf-8")


def _describe(estimator, max_pixel: float) -> dict[str, Any]:
    """All that the page knows of the network, as JSON can carry it."""
    check_is_fitted(estimator)
    model = getattr(estimator, "best_estimator_", estimator)
    steps = [step for _, step in getattr(model, "steps", [("", model)])]
    *transformers, network = (step for step in steps if step not in (None, "passthrough"))
    if not isinstance(network, BackpropMLPClassifier):
        in_it = "" if network is estimator else f" with {type(network).__name__}"
        raise TypeError(
            "estimator must be a BackpropMLPClassifier, a Pipeline that ends with one, or a"
            " search over one; it is"
            f" {type(estimator).__name__}{in_it}."
        )
    n_features = (*transformers, network)[0].n_features_in_
    size = isqrt(n_features)
    if size**2 != n_features or size < 2:
        raise ValueError(
            f"estimator was fitted on {n_features} features, which make no square image to"
            " draw. Fit it on images as high as wide, one a row."
        )
    coefs, intercepts = list(network.coefs_), list(network.intercepts_)
    if transformers:
        A, b = _affine(transformers, n_features, max_pixel)
        coefs[0], intercepts[0] = A @ coefs[0], b @ coefs[0] + intercepts[0]
    layer = output_layer_of(network)
    return {
        "size": size,
        "max_pixel": float(max_pixel),
        "layer_sizes": [n_features, *(W.shape[1] for W in coefs)],
        "activation": plain(network.activation),
        "out_activation": layer.out_activation,
        "multilabel": layer.multilabel,
        "classes": [as_label(label) for label in network.classes_.tolist()],
        "weights": _pack([*coefs, *intercepts]),
    }


def _affine(transformers: list, n_features: int, max_pixel: float) -> tuple[np.ndarray, ...]:
    """The A and b with which the transformers map every row x to ``x @ A + b``.

    Raises
    ------
    ValueError
        If there are none, as random images show.
    """

    def transform(X):
        with warnings.catch_warnings():
            # rows without names, to steps fitted on a frame
            warnings.filterwarnings("ignore", "X does not have valid feature names")
            for transformer in transformers:
                X = transformer.transform(X)
        return X.toarray() if sparse.issparse(X) else np.asarray(X, dtype=float)

    zero_and_units = np.vstack([np.zeros(n_features), max_pixel * np.eye(n_features)])
    b, *images = transform(zero_and_units)
    A = (np.array(images) - b) / max_pixel
    X = np.random.default_rng(0).uniform(0, max_pixel, (20, n_features))
    transformed = transform(X)
    if not np.allclose(
        transformed, X @ A + b, rtol=1e-6, atol=1e-6 * np.abs(transformed).max()
    ):
        raise ValueError(
            "estimator has a step before the network that is not an affine function of the"
            " pixels, as StandardScaler, MinMaxScaler and PCA are. Leave it out, or transform"
            " the images before fit."
        )
    return A, b


def _pack(arrays: list[np.ndarray]) -> str:
    """Arrays as float32 in text; network.js has the inverse.

    All lowest bytes come first, then all second ones and so on: zlib makes these shorter.
    """
    numbers = np.concatenate([np.ravel(array) for array in arrays]).astype("<f4")
    planes = numbers.view(np.uint8).reshape(-1, 4).T
    return base64.b64encode(zlib.compress(planes.tobytes(), 9)).decode()
