"""Find the one digit in a grey picture: how much ink there is at each pixel."""

from __future__ import annotations

import itertools
import math

import numpy as np
from scipy import ndimage

from skdigitnet.datasets._frame import find_frame, is_crossed

WORKING_SIDE = 512  # the longer side of the picture in which the digit is looked for
COARSE_SIDE = 64  # and of that from which the paper is estimated
DARKER_SHARE = 0.8  # of the pixels, which are darker than the surface fitted as paper
DARKEST_PAPER = 0.05
CORE, EDGE = 0.5, 0.3  # shares of full ink: what is a stroke, and what may be its edge
FRAME_EDGE = 2  # pixels
MAX_FRAMES = 3  # one in another, and then the digit
EDGE_WIDTH = 1 / 20  # as a share of the digit's size
SPECK = 0.05  # as a share of the ink of the largest piece
SMALLEST = 1 / 40  # digit, as a share of the picture's longer side
LEAST_CONTRAST = 0.02
GAP = 0.08  # between two digits, as a share of the taller one's height
CORNERS = (slice(2), slice(-2, None))
GIVE_ONE_DIGIT = (
    "Give a picture of one digit, much darker or lighter than what it is written on, and"
    " surrounded by that."
)
EIGHT_NEIGHBOURS = np.ones((3, 3))


def find_ink(grey: np.ndarray) -> np.ndarray:
    """The bounding box of the digit, with its ink from 0 (paper) to 1.

    Parameters
    ----------
    grey : ndarray of shape (height, width)
        From 0 (black) to 1; the digit may be darker or lighter than the rest.

    Raises
    ------
    ValueError
        If nothing stands out from the background, or what does is not one digit with
        paper around it.
    """
    grey = shrink(grey, WORKING_SIDE)
    fits = map(_fit_paper_in_frame, (grey, 1 - grey))
    _, grey, paper = min(fits, key=lambda fit: fit[0])
    _check_corners(grey)
    ink, full, noise = _contrast(grey, paper)
    if full < max(LEAST_CONTRAST, 5 * noise):
        raise _nothing_to_see()
    least = max(EDGE, 4 * noise / full)
    ink = (ink / full).clip(0, 1)
    strokes = _strokes(ink)
    _check_one_digit(strokes)
    edge_width = max(1.5, EDGE_WIDTH * _longer_side(strokes))
    near = ndimage.distance_transform_edt(~strokes) <= edge_width
    ink[~near | (ink < least)] = 0
    return ink[_bounding_box(ink > 0)]


def shrink(grey: np.ndarray, side: int) -> np.ndarray:
    """The means of square blocks, so that neither side is longer than ``side``."""
    factor = min(math.ceil(max(grey.shape) / side), *grey.shape)
    height, width = (n // factor for n in grey.shape)
    cut = grey[: height * factor, : width * factor]
    return cut.reshape(height, factor, width, factor).mean(axis=(1, 3))


def _contrast(grey: np.ndarray, paper: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Ink above the paper's, that of full strokes, and the standard deviation of noise."""
    ink = 1 - grey / paper
    noise = np.median(abs(np.diff(ink))) / 0.954  # were it normal
    ink -= np.quantile(ink, 0.25)  # paper, in all but the boldest pictures
    return ink, np.median(ink[ink >= ink.max() / 2]), noise


def _fit_paper_in_frame(grey: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """The same as from _fit_paper, of the picture with paper in the place of a frame."""
    fit = _fit_paper(grey)
    for _ in range(MAX_FRAMES):
        ink, full, noise = _contrast(*fit[1:])
        if full < max(LEAST_CONTRAST, 5 * noise):
            break
        frame = find_frame(ink > max(EDGE * full, 4 * noise))
        if not frame.any():
            break
        frame = ndimage.binary_dilation(frame, EIGHT_NEIGHBOURS, iterations=FRAME_EDGE)
        fit = _fit_paper(np.where(frame, fit[2], fit[1]))
    return fit


def _fit_paper(grey: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """How badly light paper explains the picture, the picture, and that paper.

    A quadratic surface is fitted by quantile regression, by iteratively reweighted
    least squares, and raised to the closing of the picture by it, which fills what is
    narrower than half a side and keeps the steps of broad shadows.
    """
    coarse = shrink(grey, COARSE_SIDE)
    terms, target = _quadratic_terms(coarse.shape).reshape(-1, 6), coarse.ravel()
    weight = np.ones(len(target))
    for _ in range(30):
        weighted = terms * weight[:, np.newaxis]
        coef = np.linalg.solve(terms.T @ weighted, weighted.T @ target)
        residual = target - terms @ coef
        share = np.where(residual > 0, DARKER_SHARE, 1 - DARKER_SHARE)
        weight = share / np.maximum(abs(residual), 1e-3)
    residual = residual.reshape(coarse.shape)
    border = np.concatenate([residual[0], residual[-1], residual[:, 0], residual[:, -1]])
    # ink is on one side of the paper, and seldom at the border
    misfit = np.mean(np.maximum(residual, 0) ** 2) + np.mean(border**2)

    flat = coarse / np.maximum(coarse - residual, DARKEST_PAPER)
    closed = ndimage.grey_closing(flat, max(3, min(coarse.shape) // 2), mode="nearest")
    zoom = np.divide(grey.shape, closed.shape)
    closed = ndimage.zoom(closed, zoom, order=1, mode="nearest", grid_mode=True)
    surface = np.maximum(_quadratic_terms(grey.shape) @ coef, DARKEST_PAPER)
    return misfit, grey, np.maximum(surface * closed, DARKEST_PAPER)


def _quadratic_terms(shape: tuple[int, ...]) -> np.ndarray:
    """1, x, y, x^2, xy and y^2 at the pixels' centres, x and y from -1 to 1."""
    y, x = np.meshgrid(*((2 * np.arange(n) + 1) / n - 1 for n in shape), indexing="ij")
    return np.stack([np.ones(shape), x, y, x * x, x * y, y * y], axis=-1)


def _strokes(ink: np.ndarray) -> np.ndarray:
    """Where the digit's strokes are, without specks."""
    pieces, n_pieces = ndimage.label(ink > CORE, structure=EIGHT_NEIGHBOURS)
    mass = ndimage.sum_labels(ink, pieces, np.arange(n_pieces + 1))
    mass[0] = 0
    strokes = (mass >= SPECK * mass.max())[pieces] & (pieces > 0)
    is_grain = mass.max() < mass.sum() / 4
    if is_grain or _longer_side(pieces == mass.argmax()) < SMALLEST * max(ink.shape):
        raise _nothing_to_see()
    return strokes


def _check_one_digit(strokes: np.ndarray) -> None:
    """Raise ValueError for a line through the digit, and for two digits."""
    if is_crossed(strokes):
        raise ValueError(
            "a straight line from side to side of the picture is one with the digit: it may"
            f" be a frame that the digit touches. Cut it off. {GIVE_ONE_DIGIT}"
        )
    if _are_two_digits(strokes):
        raise ValueError(f"there seem to be two digits, apart. {GIVE_ONE_DIGIT}")


def _check_corners(grey: np.ndarray) -> None:
    """Raise ValueError where a close cut leaves no telling of which is the paper."""
    low, high = np.quantile(grey, (0.01, 0.99))
    corners = [grey[rows, columns].mean() for rows in CORNERS for columns in CORNERS]
    upper_left, upper_right, lower_left, lower_right = corners > (low + high) / 2
    if upper_left == lower_right != upper_right == lower_left:
        raise ValueError(
            "dark and light both reach opposite corners, so that neither can be told to be"
            f" the paper. Leave a margin around the digit. {GIVE_ONE_DIGIT}"
        )


def _are_two_digits(strokes: np.ndarray) -> bool:
    """Whether two pieces stand beside or above each other, both as large as digits.

    Pieces of one broken digit overlap, or are much smaller, or broader than tall.
    """
    pieces, _ = ndimage.label(strokes, structure=EIGHT_NEIGHBOURS)
    total = np.flatnonzero(strokes.any(axis=1))
    for boxes in itertools.combinations(ndimage.find_objects(pieces), 2):
        heights, widths = (
            [box[axis].stop - box[axis].start for box in boxes] for axis in (0, 1)
        )
        above, beside = (
            max(box[axis].start for box in boxes) - min(box[axis].stop for box in boxes)
            for axis in (0, 1)
        )
        share = min(heights) / (total[-1] + 1 - total[0])
        gap = GAP * max(heights)
        are_tall = all(height > width for height, width in zip(heights, widths, strict=True))
        if (beside > gap and share > 0.4) or (above > gap and share > 0.3 and are_tall):
            return True
    return False


def _longer_side(mask: np.ndarray) -> int:
    return max(mask[_bounding_box(mask)].shape)


def _bounding_box(mask: np.ndarray) -> tuple[slice, slice]:
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _nothing_to_see() -> ValueError:
    return ValueError(
        "there is no digit to be seen: nothing stands out from the background, unless it is"
        " a frame."
        f" {GIVE_ONE_DIGIT}"
    )
