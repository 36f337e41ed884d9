"""Positions of values on an axis, and which of their labels fit."""

from __future__ import annotations

from math import ceil

import numpy as np

from skdigitnet.plotting._common import inches, widest_text


def spaced_geometrically(x: np.ndarray) -> bool:
    """Whether ascending numbers are spaced more evenly on a logarithmic axis."""
    if len(x) < 3 or x[0] <= 0:
        return False

    def unevenness(x):
        steps = np.diff(x)
        return steps.std() / steps.mean()

    return unevenness(np.log(x)) < unevenness(x)


def decimals_for(deviation: float) -> int:
    """Decimals that show two digits of the deviation, four at most."""
    return 4 if deviation == 0 else int(np.clip(1 - np.floor(np.log10(deviation)), 0, 4))


def name_columns(ax, labels: list[str]):
    """Labels of the columns 0, 1, ..., slanted if too wide, and fewer if still too close."""
    size = ax.xaxis.label.get_size()
    column = inches(ax)[1] / len(labels)
    if widest_text(ax.figure, labels, size) <= 0.9 * column:
        ax.set_xticks(np.arange(len(labels)), labels, parse_math=False)
        return
    step = ceil(2 * size / 72 / column)  # a slanted line is sqrt(2) as wide
    slanted = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
    places = np.arange(0, len(labels), step)
    ax.set_xticks(places, labels[::step], parse_math=False, **slanted)


def name_rows(ax, labels: list[str]):
    """Labels of the rows 0, 1, ..., fewer if they are too close."""
    size = ax.yaxis.label.get_size()
    step = ceil(1.3 * size / 72 / (inches(ax)[0] / len(labels)))
    ax.set_yticks(np.arange(0, len(labels), step), labels[::step], parse_math=False)


def name_values(ax, x: np.ndarray, labels: list[str]):
    """A label at each value; matplotlib's own ticks if the labels would touch."""
    places = ax.transData.transform(np.column_stack([x, np.zeros_like(x)]))[:, 0]
    size = ax.xaxis.label.get_size()
    width = widest_text(ax.figure, labels, size) * ax.figure.dpi
    if len(x) == 1 or np.diff(places).min() > 1.15 * width:
        ax.set_xticks(x, labels)
        ax.minorticks_off()
