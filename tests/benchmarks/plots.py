"""Pictures of what was measured. Needs matplotlib; draws without a screen."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt

# Okabe and Ito's colours, told apart with every kind of colour vision, and markers
STYLES = {
    "ours": ("#000000", "o"),
    "sklearn": ("#0072B2", "o"),
    "torch": ("#D55E00", "s"),
    "jax": ("#009E73", "D"),
    "skorch": ("#CC79A7", "^"),
}
TICKS = (0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500)


def plot_ratios(rows: list[dict], path: Path) -> None:
    """A dot for every configuration and peer, with its range and its target.

    Parameters
    ----------
    rows : list of dict
        The "results" that compare.py writes.
    path : Path
    """
    names = list(dict.fromkeys(row["name"] for row in rows))
    peers = [peer for peer in STYLES if any(row["peer"] == peer for row in rows)]
    figure, axes = plt.subplots(
        figsize=(8, 1.3 + 0.3 * len(names)), layout="constrained", dpi=120
    )
    for i, peer in enumerate(peers):
        color, marker = STYLES[peer]
        chosen = [row for row in rows if row["peer"] == peer]
        shift = 0.17 * (i - (len(peers) - 1) / 2)
        heights = [names.index(row["name"]) + shift for row in chosen]
        ratios = [row["ratio"]["median"] for row in chosen]
        low = [row["ratio"]["median"] - row["ratio"]["low"] for row in chosen]
        high = [row["ratio"]["high"] - row["ratio"]["median"] for row in chosen]
        axes.errorbar(
            ratios,
            heights,
            xerr=(low, high),
            fmt=marker,
            color=color,
            markersize=5,
            elinewidth=1.2,
            label=f"against {peer}",
        )
        plot_targets(axes, chosen, heights, peer)
    axes.axvline(1, color="black", linewidth=1)
    finish_ratios(axes, names, rows)
    figure.savefig(path)
    plt.close(figure)


def plot_targets(axes, rows: list[dict], heights: list[float], peer: str) -> None:
    with_target = [
        (row["targets"][peer], height)
        for row, height in zip(rows, heights, strict=True)
        if peer in row["targets"]
    ]
    for ratio, height in with_target:
        axes.plot([ratio, ratio], [height - 0.2, height + 0.2], color=STYLES[peer][0], lw=2)
    if with_target:
        axes.plot(
            [], [], "|", color=STYLES[peer][0], mew=2, ms=9, label=f"target against {peer}"
        )


def finish_ratios(axes, names: list[str], rows: list[dict]) -> None:
    low = min(min(row["ratio"]["low"] for row in rows), 1) / 1.15
    high = max(
        max(row["ratio"]["high"], *row["targets"].values(), 2) if row["targets"] else 2
        for row in rows
    )
    high = max(high, max(row["ratio"]["high"] for row in rows)) * 1.15
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    ticks = [tick for tick in TICKS if low <= tick <= high]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_xticks([], minor=True)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    for height in range(1, len(names)):
        axes.axhline(height - 0.5, color="0.85", linewidth=0.6)
    axes.grid(axis="x", color="0.85", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.set_xlabel("the peer's time divided by ours (right of 1: ours is faster)")
    axes.figure.get_layout_engine().set(w_pad=0.1)
    axes.figure.legend(loc="outside upper center", ncols=3, fontsize="small", frameon=False)


def plot_growth(rows: list[dict], path: Path) -> None:
    """Time per epoch against rows, features, units and batch size, a panel each.

    Parameters
    ----------
    rows : list of dict
        The "results" that growth.py writes.
    path : Path
    """
    dimensions = list(dict.fromkeys(row["against"] for row in rows))
    figure, panels = plt.subplots(2, 2, figsize=(9, 7), layout="constrained", dpi=120)
    for axes, dimension in zip(panels.flat, dimensions, strict=False):
        for peer, (color, marker) in STYLES.items():
            points = [
                (row["value"], row["seconds"])
                for row in rows
                if row["against"] == dimension and row["peer"] == peer
            ]
            if points:
                axes.loglog(*zip(*points, strict=True), marker=marker, color=color, label=peer)
        values = sorted({row["value"] for row in rows if row["against"] == dimension})
        axes.set_xticks(values, [f"{value:,}" for value in values])
        axes.set_xticks([], minor=True)
        axes.set_xlabel(dimension)
        axes.set_ylabel("seconds per epoch")
        axes.grid(color="0.85", linewidth=0.8)
    handles, labels = panels.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=5, frameon=False)
    figure.savefig(path)
    plt.close(figure)
