"""Distorted images: more of the digits that there are, for training."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Context, Decimal
from functools import lru_cache
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils import check_array

from skdigitnet._core.distort import distort
from skdigitnet._system.threads import n_threads

PIXEL_TYPES = (np.float64, np.float32, np.uint8)  # any other is converted to the first
CHUNK_PIXELS = 2**20  # distorted together: some 50 ms, after which Ctrl-C is heeded
# of what is drawn from a range
BOUNDS = {
    "rotation": (-180, 180),
    "shear": (-89, 89),
    "scale": (0.01, 100),
    "shift": (-math.inf, math.inf),
}
# of the shorter side, where None is given
SHARES = {"shift": 1 / 28, "elastic": 1 / 28, "smoothness": 1 / 7}
Range = float | tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Distortions:
    """Distortions of images, to be called with rows and a random number generator.

    An object for what calls ``transform(X, rng)`` on some rows at a time; for an array,
    :func:`distort_images` is simpler. ``distortions(X, rng)`` draws one integer from the
    generator, the seed, and returns the rows distorted; with None for rng, as for rows to
    predict, the rows as they are. The object cannot be changed, can be pickled, and is equal
    to another with the same parameters.

    Parameters
    ----------
    rotation : float or tuple of (low, high), default=10.0
    scale : float or tuple of (low, high), default=0.1
    shear : float or tuple of (low, high), default=10.0
    shift : float, tuple of (low, high) or None, default=None
    elastic : float or None, default=None
    smoothness : float or None, default=None
    image_shape : tuple of (height, width) or None, default=None
        All as of :func:`distort_images`.

    Raises
    ------
    ValueError
        If a parameter is not of that type, or out of its range.

    See Also
    --------
    distort_images : A function that does the same.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from skdigitnet.datasets import Distortions
    >>> X, _ = load_digits(return_X_y=True)
    >>> distortions = Distortions(rotation=15, shift=0.5)
    >>> distortions(X, np.random.default_rng(0)).shape
    (1797, 64)
    """

    rotation: Range = 10.0
    scale: Range = 0.1
    shear: Range = 10.0
    shift: Range | None = None
    elastic: float | None = None
    smoothness: float | None = None
    image_shape: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        for name in BOUNDS:
            self._range(name, side=1)
        elastic, smoothness = self._of(1, "elastic"), self._of(1, "smoothness")
        _check_number("elastic", elastic, "from 0 to 1000000", lambda x: 0 <= x <= 1e6)
        _check_number("smoothness", smoothness, "larger than 0 and finite", lambda x: x > 0)
        shape = self.image_shape
        if shape is not None and not (
            isinstance(shape, tuple) and len(shape) == 2 and all(_is_int(n, 1) for n in shape)
        ):
            raise ValueError(
                f"image_shape must be a tuple of two positive ints, (height, width), or None"
                f" for square images; got {shape!r}."
            )

    def __call__(self, X, rng) -> np.ndarray:
        """Distort the images in the rows of X.

        Parameters
        ----------
        X : array-like of shape (n_samples, height * width)
        rng : numpy.random.Generator or None
            One integer is drawn from it. None, as for rows to predict, returns the rows as
            they are. Or anything else that :func:`distort_images` takes for
            ``random_state``.

        Returns
        -------
        distorted : ndarray of shape (n_samples, height * width)
        """
        return np.asarray(X) if rng is None else self._distort(X, rng, 0, None)

    def _distort(self, X, random_state, first_row, n_jobs) -> np.ndarray:
        if not (_is_int(first_row, 0) and first_row < 2**63):
            raise ValueError(
                f"first_row must be an int, 0 or larger and less than 2**63; got {first_row!r}."
            )
        X = check_array(X, dtype=PIXEL_TYPES, order="C", ensure_min_samples=0, input_name="X")
        X = X.astype(X.dtype.newbyteorder("="), copy=False)
        height, width = self._shape_of(X.shape[1])
        side = min(height, width)
        names = "rotation", "shear", "scale", "scale", "shift", "shift"
        ranges = np.array([self._range(name, side) for name in names])
        elastic, smoothness = (float(self._of(side, n)) for n in ("elastic", "smoothness"))
        # uniform noise from -1 to 1 has the standard deviation 1 / sqrt(3)
        rows, columns = (_gaussian(n, smoothness) for n in (height, width))
        rows = (elastic * math.sqrt(3) * rows).astype(np.float32)
        columns = columns.T.astype(np.float32, order="C")
        key, out = _key(random_state), np.empty_like(X)
        n_rows = max(1, CHUNK_PIXELS // X.shape[1])

        def distort_chunk(start: int) -> None:
            chunk = slice(start, start + n_rows)
            padded = np.zeros((height + 2) * (width + 2))
            fields = np.empty(3 * height * width, dtype=np.float32)
            distort(
                X[chunk], out[chunk], ranges, rows, columns, elastic > 0,
                key, first_row + start, padded, fields,
            )  # fmt: skip

        starts = range(0, len(X), n_rows)
        threads = n_threads(n_jobs, len(starts))
        if threads == 1:
            for start in starts:
                distort_chunk(start)
        else:
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(distort_chunk, starts))
        return out

    def _of(self, side: int, name: str) -> Any:
        """A parameter, for images whose shorter side has this many pixels."""
        value = getattr(self, name)
        return SHARES[name] * side if value is None and name in SHARES else value

    def _range(self, name: str, side: int) -> tuple[float, float]:
        """The lowest and the highest value of a parameter that is a number or a pair."""
        value, (smallest, largest) = self._of(side, name), BOUNDS[name]
        middle = 1.0 if name == "scale" else 0.0
        if isinstance(value, tuple) and len(value) == 2 and all(map(_is_number, value)):
            low, high = map(float, value)
        elif _is_number(value) and value >= 0:
            low, high = middle - float(value), middle + float(value)
        else:
            raise ValueError(
                f"{name} must be a finite number, 0 or larger, or a tuple (low, high) of finite"
                f" numbers; got {value!r}."
            )
        if not smallest <= low <= high <= largest:
            raise ValueError(
                f"{name} must be a range within {smallest} and {largest}, low before high; got"
                f" {value!r}, which means ({low:g}, {high:g})."
            )
        return low, high

    def _shape_of(self, n_features: int) -> tuple[int, int]:
        side = math.isqrt(n_features)
        height, width = (side, side) if self.image_shape is None else self.image_shape
        if height * width != n_features:
            given = "no square image" if self.image_shape is None else f"not {height} x {width}"
            raise ValueError(
                f"X has {n_features} features, {given}. Give image_shape=(height, width) with"
                f" height * width = {n_features}."
            )
        return height, width


def distort_images(
    X,
    *,
    rotation=10.0,
    scale=0.1,
    shear=10.0,
    shift=None,
    elastic=None,
    smoothness=None,
    image_shape=None,
    random_state=None,
    first_row=0,
    n_jobs=None,
) -> np.ndarray:
    """Distort images at random, to train on more than there are.

    Each image is scaled, leaned, rotated and shifted about its centre, and then bent by a
    smooth random displacement of its pixels. In each range every value is equally likely.
    A network trained on fresh distortions in every epoch learns what they leave unchanged.

    Parameters
    ----------
    X : array-like of shape (n_samples, height * width)
        An image in each row, as of :func:`load_mnist`. float32, float64 and uint8 stay what
        they are; other types become float64.
    rotation : float or tuple of (low, high), default=10.0
        In degrees, counterclockwise; a number r means (-r, r). Within -180 and 180.
    scale : float or tuple of (low, high), default=0.1
        Factors of height and width, drawn independently; a number s, smaller than 1, means
        (1 - s, 1 + s). Within 0.01 and 100.
    shear : float or tuple of (low, high), default=10.0
        How far upright strokes lean to the right, in degrees; a number s means (-s, s).
        Within -89 and 89.
    shift : float, tuple of (low, high) or None, default=None
        In pixels, drawn independently for down and to the right; a number s means (-s, s).
        None means a 28th of the shorter side, one pixel of MNIST's.
    elastic : float or None, default=None
        Standard deviation of a pixel's displacement down and to the right, in pixels. None
        means a 28th of the shorter side.
    smoothness : float or None, default=None
        Standard deviation of the Gaussian that smooths the displacements, in pixels. None
        means a seventh of the shorter side.
    image_shape : tuple of (height, width) or None, default=None
        None means square images.
    random_state : None, int, tuple of int, SeedSequence, Generator or RandomState, \
            default=None
        The seed; None distorts differently each time. A tuple such as (seed, epoch) gives
        each epoch distortions of its own. Of a generator one seed is drawn.
    first_row : int, default=0
        The number of the first row of X, where X is a part of more rows.
    n_jobs : int or None, default=None
        Threads, as in scikit-learn; they never change a bit of the result.

    Returns
    -------
    distorted : ndarray of shape (n_samples, height * width)
        Of the type of X. No pixel is smaller than the smallest of its image and 0, or
        larger than the largest and 0.

    Raises
    ------
    TypeError, ValueError
        If X holds no images of that shape or is not finite, or a parameter is not of that
        type or out of its range.

    See Also
    --------
    Distortions : The same as an object that can be passed on.

    Notes
    -----
    1. Pixels are interpolated bilinearly, and are 0 outside the image. uint8 is rounded.
    2. The displacements are those of Simard et al. [1]_: uniform noise in each pixel,
       smoothed by a Gaussian that ends at the border. Here they are then divided by the
       standard deviation that this leaves, so that ``elastic`` does not depend on
       ``smoothness``. Their alpha = 34 and sigma = 4 are about ``elastic=1.4`` and
       ``smoothness=4``.
    3. What happens to a row depends on the seed and the number of the row alone. So
       ``distort_images(X, random_state=s)[a:b]`` has the bits of
       ``distort_images(X[a:b], random_state=s, first_row=a)``, on every processor.
    4. The defaults are mild, so that a reader still sees the same digit. They were chosen by
       looking, and by the accuracy on 10,000 images held out of MNIST's training images; that
       they are shares of the side, with a look at scikit-learn's digits too.

    References
    ----------
    .. [1] P. Y. Simard, D. Steinkraus, J. C. Platt, "Best practices for convolutional
           neural networks applied to visual document analysis", ICDAR 2003.

    Examples
    --------
    Fresh distortions in every epoch, the same whenever the epoch is repeated:

    >>> from sklearn.datasets import load_digits
    >>> from skdigitnet import BackpropMLPClassifier
    >>> from skdigitnet.datasets import distort_images
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = BackpropMLPClassifier(random_state=0)
    >>> for epoch in range(3):
    ...     X_epoch = distort_images(X, random_state=(0, epoch))
    ...     clf = clf.partial_fit(X_epoch / 16, y, classes=range(10))
    """
    distortions = Distortions(
        rotation=rotation,
        scale=scale,
        shear=shear,
        shift=shift,
        elastic=elastic,
        smoothness=smoothness,
        image_shape=image_shape,
    )
    return distortions._distort(X, random_state, first_row, n_jobs)


def _is_int(value, smallest: int) -> bool:
    return isinstance(value, Integral) and int(value) >= smallest


def _is_number(value) -> bool:
    if not isinstance(value, Real) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an int larger than any float
        return False


def _check_number(name: str, value, allowed: str, is_allowed: Callable) -> None:
    if not _is_number(value) or not is_allowed(value):
        raise ValueError(f"{name} must be a number, {allowed}; got {value!r}.")


@lru_cache(maxsize=16)
def _gaussian(n: int, smoothness: float) -> np.ndarray:
    """Weights (n, n) of a smoothing whose rows have the norm 1.

    In decimal numbers, since the exponential functions of C libraries differ in the last bit.
    """
    context = Context(prec=28)
    exponents = (-(d / smoothness) * (d / smoothness) / 2 for d in range(n))
    weights = [float(context.exp(Decimal(exponent))) for exponent in exponents]
    place = np.arange(n)
    matrix = np.array(weights)[abs(place - place[:, np.newaxis])]
    norms = [math.sqrt(math.fsum(row * row)) for row in matrix]
    return matrix / np.array(norms)[:, np.newaxis]


def _key(random_state) -> int:
    """64 bits that the seed determines, or that are drawn from the generator."""
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**64, dtype=np.uint64))
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**64, dtype=np.uint64))
    if random_state is None:
        random_state = np.random.SeedSequence()
    if not isinstance(random_state, np.random.SeedSequence):
        numbers = random_state if isinstance(random_state, tuple) else (random_state,)
        if not numbers or not all(_is_int(n, 0) for n in numbers):
            raise ValueError(
                "random_state must be None, an int, 0 or larger, a tuple of these, or a"
                f" SeedSequence, Generator or RandomState of NumPy; got {random_state!r}."
            )
        # as entropy, 1 and (1, 0) would be the same
        random_state = np.random.SeedSequence(numbers[0], spawn_key=numbers[1:])
    return int(random_state.generate_state(1, np.uint64)[0])
