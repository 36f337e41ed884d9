"""From a picture of one digit to a row as in MNIST or in scikit-learn's digits."""

from __future__ import annotations

import os

import numpy as np
from scipy import ndimage

from skdigitnet.datasets._ink import WORKING_SIDE, find_ink

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP")
MAX_PIXELS = 2**26
MIN_SIDE = 8
LUMA = np.array([0.299, 0.587, 0.114])  # of red, green and blue, ITU-R BT.601
LEAST_ON_WHITE = 0.1  # contrast of what is drawn on a transparent canvas
THRESHOLD = 0.5


def load_image(path_or_array, *, size=28) -> np.ndarray:
    """Turn a picture of one digit into a row as a network was trained on.

    The digit is found and made like those of the training data: dark on light or light
    on dark, small or large, anywhere in the picture, on paper that may be lit unevenly
    or ruled faintly, in a box of a form or a cell of a grid.

    Parameters
    ----------
    path_or_array : str, path-like or array-like
        A picture file (PNG, JPEG, BMP, GIF, TIFF or WebP, of 2**26 pixels at most), for
        which Pillow is needed: ``pip install "skdigitnet[images]"``. Or an array of shape
        (height, width), or (height, width, n_channels) with grey, grey and alpha, RGB or
        RGBA, of dtype bool, uint8 or uint16, or floating from 0 to 1.
    size : {28, 8}, default=28
        28 for a row as in MNIST (:func:`load_mnist`), 8 for one as in
        :func:`sklearn.datasets.load_digits`.

    Returns
    -------
    row : ndarray of shape (size * size,)
        float64, from 0 for the background: to 1 for ``size=28``, as :func:`load_mnist`
        scales its pixels, and to 16 for ``size=8``, as in ``load_digits``.

    Raises
    ------
    ValueError
        If there is no digit to be seen, or two, or one that touches a frame, or a cut so
        close that paper and ink cannot be told apart; if the file is not a picture or is
        too large, or the array has another shape, dtype or range.
    OSError
        If the file cannot be opened.
    ImportError
        If a file is given and Pillow is not installed.

    Notes
    -----
    1. A photograph is turned as its EXIF orientation says, transparent parts become white
       (black where all that is drawn is nearly white), and colours grey.
    2. The paper is a quadratic surface that four pixels in five are darker than [1]_,
       raised where it is darker than everything within half a side; it is fitted to the
       picture and to its negative, and the one that explains the border better decides
       whether the digit is dark or light. What light and shadow do to the paper is so
       divided out.
    3. Strokes are what has half the ink's full contrast; specks go. A picture in which
       nothing stands out is refused. So are two pieces as large as digits side by side
       or one above the other.
    4. Before that, frames go: thin pieces, nearly all of them straight lines within 8
       degrees of upright or level, that touch the border, surround other ink or are half
       as long as the picture. A digit that touches its frame is refused.
    5. ``size=28``: the digit is scaled to fit a box of 20 x 20 pixels, its proportions
       kept, and moved by whole pixels until its centre of mass is at pixel (14, 14), as
       in MNIST [2]_.
    6. ``size=8``: the digit is scaled to 20 x 32 pixels within a bitmap of 32 x 32, its
       strokes made thicker or thinner and its slant removed, and the set pixels in each
       block of 4 x 4 counted, as NIST's programs did for these data [3]_ [4]_.

    The picture should show one digit, surrounded by paper; a sharp shadow across it, or
    strokes that fill more than half of it, can be taken for the digit.

    References
    ----------
    .. [1] R. Koenker, G. Bassett, "Regression quantiles", Econometrica 46, 1978.
    .. [2] Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten
           digits", http://yann.lecun.com/exdb/mnist/
    .. [3] M. D. Garris et al., "NIST form-based handprint recognition system",
           NISTIR 5469, 1994.
    .. [4] E. Alpaydin, C. Kaynak, "Optical recognition of handwritten digits", UCI Machine
           Learning Repository, 1998.

    Examples
    --------
    >>> import numpy as np
    >>> from skdigitnet.datasets import load_image
    >>> picture = np.full((120, 100), 255, dtype=np.uint8)
    >>> picture[20:90, 45:52] = 30  # a one
    >>> row = load_image(picture)
    >>> row.shape
    (784,)
    >>> int((row.reshape(28, 28).max(axis=1) > 0.9).sum())  # its height in pixels
    20
    """
    layouts = {28: _like_mnist, 8: _like_digits}
    if size not in layouts:
        raise ValueError(f"size must be 28 or 8, but is {size!r}.")
    if isinstance(path_or_array, str | os.PathLike):
        name, array = os.fspath(path_or_array), _read_picture(path_or_array)
    else:
        name, array = "path_or_array", np.asarray(path_or_array)
    try:
        ink = find_ink(_grey(array))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    return layouts[size](ink).ravel()


def _read_picture(path) -> np.ndarray:
    """The upright picture, as RGBA bytes, or as grey of 16 bits where it has them."""
    try:
        from PIL import Image, ImageOps
    except ImportError as error:
        raise ImportError(
            'load_image needs Pillow to read a file: pip install "skdigitnet[images]". An'
            " array can be given instead."
        ) from error
    with open(path, "rb") as file:
        try:
            image: Image.Image = Image.open(file, formats=FORMATS)
            if image.width * image.height > MAX_PIXELS:
                raise ValueError(
                    f"it has {image.width} x {image.height} pixels; the limit is {MAX_PIXELS}"
                )
            image = ImageOps.exif_transpose(image)
            if image.mode.startswith("I"):
                return np.asarray(image).clip(0, 2**16 - 1).astype(np.uint16)
            factor = max(1, max(image.size) // WORKING_SIDE)
            return np.asarray(image.convert("RGBA").reduce(factor))
        except Exception as error:  # Pillow may raise anything for a damaged file
            raise ValueError(
                f"{os.fspath(path)} cannot be read as a picture: {error}. It should be one of"
                f" {', '.join(FORMATS)}."
            ) from error


def _grey(array: np.ndarray) -> np.ndarray:
    """Grey from 0 (black) to 1, (height, width).

    Transparent parts are white, or black if what is drawn could not be seen on white.
    """
    if array.ndim == 2:
        array = array[..., np.newaxis]
    if array.ndim != 3 or min(array.shape[:2]) < MIN_SIDE or not 1 <= array.shape[2] <= 4:
        raise ValueError(
            "a picture has the shape (height, width) or (height, width, 1 to 4 channels), of"
            f" {MIN_SIDE} x {MIN_SIDE} pixels at least; this has {array.shape}."
        )
    if array.dtype in (np.uint8, np.uint16):
        array = array / np.iinfo(array.dtype).max
    elif array.dtype.kind not in "bf" or not (array.min() >= 0 and array.max() <= 1):
        raise ValueError(
            "pixels are bool, uint8, uint16, or floating from 0 to 1; these are"
            f" {array.dtype}, from {array.min()} to {array.max()}. Convert or scale them."
        )
    has_alpha = array.shape[2] in (2, 4)
    color = array[..., :-1] if has_alpha else array
    grey = color @ LUMA if color.shape[2] == 3 else color[..., 0].astype(float)
    if not has_alpha:
        return grey
    alpha = array[..., -1]
    on_white = 1 - alpha * (1 - grey)
    return on_white if on_white.min() < 1 - LEAST_ON_WHITE else alpha * grey


def _like_mnist(ink: np.ndarray) -> np.ndarray:
    """The digit in a box of 20 x 20, its centre of mass at pixel (14, 14)."""
    step = max(ink.shape) / 20
    matrices = []
    for axis, n in enumerate(ink.shape):
        mass = ink.sum(axis=1 - axis)
        centre = np.average(np.arange(n) + 0.5, weights=mass) / step
        matrices.append(_means(n, -step * round(14.5 - centre), step, 28))
    rows, columns = matrices
    return np.minimum(rows @ ink @ columns.T, 1)  # means may exceed it by rounding


def _like_digits(ink: np.ndarray) -> np.ndarray:
    """The digit's bitmap of 32 x 32 as NIST normalises it, counted in blocks of 4 x 4."""
    height, width = ink.shape
    rows = _means(height, 0, height / 32, 32)
    columns = _means(width, -6 * width / 20, width / 20, 32)
    bitmap = rows @ ink @ columns.T > THRESHOLD
    n_set = np.count_nonzero(bitmap)
    if n_set > 412:
        bitmap = ndimage.binary_erosion(bitmap, iterations=2 if n_set > 560 else 1)
    elif n_set < 256:
        bitmap = ndimage.binary_dilation(bitmap, iterations=2 if n_set < 108 else 1)
    return _upright(bitmap).reshape(8, 4, 8, 4).sum(axis=(1, 3)).astype(float)


def _upright(bitmap: np.ndarray) -> np.ndarray:
    """Rows shifted so that the leftmost pixels near top and bottom are in one column."""
    rows = np.flatnonzero(bitmap.any(axis=1))
    if len(rows) <= 5:
        return bitmap
    top, bottom = rows[0] + 2, rows[-1] - 2  # the outermost rows may be ragged
    slope = (bitmap[top].argmax() - bitmap[bottom].argmax()) / (bottom - top)
    n = len(bitmap)
    shift = np.rint((np.arange(n) - n // 2) * slope).astype(int)
    source = np.arange(n) - shift[:, np.newaxis]
    inside = (source >= 0) & (source < n)
    return np.take_along_axis(bitmap, source.clip(0, n - 1), axis=1) & inside


def _means(n: int, start: float, step: float, n_steps: int) -> np.ndarray:
    """Matrix (n_steps, n) that takes means over intervals of pixels, zero outside them.

    Interval i is from ``start + i * step`` to ``start + (i + 1) * step``, pixel j from j
    to j + 1.
    """
    begin = start + step * np.arange(n_steps)[:, np.newaxis]
    pixel = np.arange(n)
    overlap = np.minimum(begin + step, pixel + 1) - np.maximum(begin, pixel)
    return overlap.clip(0) / step
