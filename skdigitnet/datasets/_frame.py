"""Find the frame around a digit: the box of a form, the lines of a grid, the edge of a cell."""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage

COARSE_SIDE = 128  # of the picture in which a piece's straight lines are looked for
STEEPEST = 0.15  # slope of a line against the sides of the picture, about 8.5 degrees
N_SLOPES = 13
LENGTH = 0.5  # of a straight line, as a share of its piece's side
THICKEST = 0.15  # line, as a share of its piece's longer side
STRAIGHT = 0.75  # share of a piece that is straight lines if it is a frame
CROSSING = 0.95  # of a line across the picture, as a share of its side
OUTER = 0.2  # where such a line is no stroke of a four, as a share of the other side
SMALLEST_PIECE = 0.1  # longer side, as a share of the picture's
LONG_BAR = 0.5  # a line of this share of the picture's side need not touch the border
EIGHT_NEIGHBOURS = np.ones((3, 3))


def find_frame(mask: np.ndarray) -> np.ndarray:
    """Which pixels of the ink are a frame around the digit, or a part of one.

    A frame is straight lines, nearly upright and level, that touch the border of the
    picture, surround other ink, or are as long as half of the picture. A single
    line that is the only ink is a one.

    Parameters
    ----------
    mask : ndarray of shape (height, width)
        Where there is ink.

    Returns
    -------
    frame : ndarray of shape (height, width)
    """
    pieces, _ = ndimage.label(mask, structure=EIGHT_NEIGHBOURS)
    boxes = dict(enumerate(ndimage.find_objects(pieces), start=1))
    smallest = SMALLEST_PIECE * max(mask.shape)
    boxes = {piece: box for piece, box in boxes.items() if max(_sides(box)) >= smallest}
    frame = [
        piece
        for piece, box in boxes.items()
        if _is_at_the_edge(piece, boxes, mask.shape) and _is_lines(pieces[box] == piece)
    ]
    if len(boxes) == 1 and frame and _is_bar(boxes[frame[0]]):
        frame = []
    return np.isin(pieces, frame)


def is_crossed(strokes: np.ndarray) -> bool:
    """Whether a line goes from side to side near the border, and other ink is inside."""
    coarse = _any_in_blocks(strokes, math.ceil(max(strokes.shape) / COARSE_SIDE))
    lines = np.zeros_like(coarse)
    for mask, found in ((coarse, lines), (coarse.T, lines.T)):
        height, width = mask.shape
        outer = int(OUTER * height)
        level = _level_lines(mask, CROSSING * width)
        found[:outer] |= level[:outer]
        found[height - outer :] |= level[height - outer :]
    rest = coarse & ~ndimage.binary_dilation(lines, EIGHT_NEIGHBOURS, iterations=2)
    at_border = np.concatenate([rest[0], rest[-1], rest[:, 0], rest[:, -1]])
    return bool(lines.any() and rest.any() and not at_border.any())


def _is_at_the_edge(piece: int, boxes: dict, shape: tuple[int, ...]) -> bool:
    box = boxes[piece]
    if any(a.start == 0 or a.stop == n for a, n in zip(box, shape, strict=True)):
        return True
    if any(_surrounds(box, other) for key, other in boxes.items() if key != piece):
        return True
    along = np.argmax(_sides(box))
    return _is_bar(box) and _sides(box)[along] >= LONG_BAR * shape[along]


def _is_bar(box: tuple[slice, slice]) -> bool:
    return min(_sides(box)) < max(_sides(box)) / 4


def _surrounds(box: tuple[slice, slice], other: tuple[slice, slice]) -> bool:
    return all(a.start <= b.start and b.stop <= a.stop for a, b in zip(box, other, strict=True))


def _is_lines(piece: np.ndarray) -> bool:
    """Whether a piece is thin, and nearly all straight lines as long as half its sides."""
    thickness = 2 * ndimage.distance_transform_edt(np.pad(piece, 1)).max() - 1
    if thickness > THICKEST * max(piece.shape):
        return False
    coarse = _any_in_blocks(piece, math.ceil(max(piece.shape) / COARSE_SIDE))
    height, width = coarse.shape
    is_line = np.zeros_like(coarse)
    if width > height / 4:
        is_line |= _level_lines(coarse, LENGTH * width)
    if height > width / 4:
        is_line |= _level_lines(coarse.T, LENGTH * height).T
    return bool(np.count_nonzero(is_line) >= STRAIGHT * np.count_nonzero(coarse))


def _level_lines(mask: np.ndarray, length: float) -> np.ndarray:
    """Which pixels lie on a nearly level straight line of some length, within the mask.

    For each slope the columns are shifted so that such a line is level, and each row is
    opened by a run of that length; a line may leave the mask by a pixel.
    """
    height, width = mask.shape
    run = 2 * int(length / 2) + 1
    margin = math.ceil(STEEPEST * width / 2) + 1
    padded = np.pad(mask, ((margin, margin), (0, 0))).astype(np.uint8)
    thick = ndimage.maximum_filter1d(padded, 3, axis=0)
    rows, columns = np.arange(height + 2 * margin)[:, np.newaxis], np.arange(width)
    is_line = np.zeros(mask.shape, dtype=bool)
    for slope in np.linspace(-STEEPEST, STEEPEST, N_SLOPES):
        shift = np.rint(slope * (columns - width / 2)).astype(int)
        level = thick[(rows + shift) % len(rows), columns]
        level = ndimage.minimum_filter1d(level, run, axis=1, mode="constant")
        level = ndimage.maximum_filter1d(level, run, axis=1, mode="constant")
        is_line |= level[(rows - shift) % len(rows), columns][margin:-margin] > 0
    return np.logical_and(is_line, mask)


def _any_in_blocks(mask: np.ndarray, factor: int) -> np.ndarray:
    padded = np.pad(mask, [(0, -n % factor) for n in mask.shape])
    height, width = (n // factor for n in padded.shape)
    return padded.reshape(height, factor, width, factor).max(axis=(1, 3))


def _sides(box: tuple[slice, slice]) -> tuple[int, int]:
    height, width = (part.stop - part.start for part in box)
    return height, width
