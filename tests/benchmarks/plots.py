"""Pictures of what was measured. Needs matplotlib; draws without a screen."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
from configs import CONFIGS, SETS

# Okabe and Ito's colours, told apart with every kind of colour vision, and markers
STYLES = {
    "ours": ("#000000", "o"),
    "sklearn": ("#0072B2", "o"),
    "torch": ("#D55E00", "s"),
    "jax": ("#009E73", "D"),
    "skorch": ("#CC79A7", "^"),
}
TICKS = (0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500)
DATA = {"digits": "Digits", "mnist": "MNIST", "mnist5k": "5,000 of MNIST"}
SOLVERS = {"sgd": "SGD", "nesterov": "Momentum", "adam": "Adam", "lbfgs": "L-BFGS"}
TASKS = {"predict": "predict, 10,000 rows", "predict_rows": "predict, a row at a time"}
PEERS = {"sklearn": "MLPClassifier", "torch": "PyTorch", "jax": "JAX", "skorch": "skorch"}
# ink, lines and peers on the background of a page, light or dark
PAGES = {
    "light": ("#1f2328", "#d1d9e0", {peer: STYLES[peer][0] for peer in PEERS}),
    "dark": (
        "#e6edf3",
        "#3d444d",
        {"sklearn": "#56B4E9", "torch": "#E69F00", "jax": "#2EC29A", "skorch": "#E59AC4"},
    ),
}


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


def plot_speed(rows: list[dict], page: str, path: Path) -> None:
    """The picture of the first page: the set "readme", with a dot for every peer.

    Parameters
    ----------
    rows : list of dict
        Of the "results" that compare.py writes, those of this set, against any peers.
    page : {"light", "dark"}
        What it is read on; its own background is transparent.
    path : Path
        Of an SVG file.
    """
    ink, lines, colors = PAGES[page]
    ratios: dict[str, dict[str, float]] = {name: {} for name in SETS["readme"]}
    for row in rows:
        ratios[row["name"]][row["peer"]] = row["ratio"]["median"]
    ratios = {name: by_peer for name, by_peer in ratios.items() if by_peer}
    figure, axes = plt.subplots(
        figsize=(5.2, 0.9 + 0.43 * len(ratios)), layout="constrained", facecolor="none"
    )
    for height, by_peer in enumerate(ratios.values()):
        ends = [1, max(by_peer.values())]
        axes.plot(ends, [height, height], color=lines, linewidth=2, zorder=1)
    for peer, color in colors.items():
        points = [
            (by_peer[peer], height)
            for height, by_peer in enumerate(ratios.values())
            if peer in by_peer
        ]
        plot_peer(axes, points, peer, color)
    finish_speed(axes, list(ratios), [row["ratio"]["median"] for row in rows])
    paint(axes, ink, lines)
    with mpl.rc_context({"svg.hashsalt": path.name}):  # the same bytes every time
        figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def plot_peer(axes, points: list[tuple[float, int]], peer: str, color: str) -> None:
    if not points:
        return
    marker, label = STYLES[peer][1], PEERS[peer]
    axes.scatter(*zip(*points, strict=True), 45, color, marker, label=label, zorder=2)
    for ratio, height in points if peer == "sklearn" else []:
        text, above = f"{ratio:.2g}\u00d7", height - 0.2
        axes.text(ratio, above, text, color=color, size=8.5, ha="center", va="bottom")


def speed_label(name: str) -> str:
    config = CONFIGS[name]
    if config.task != "fit":
        task = TASKS[config.task]
    elif config.batch is None:
        task = SOLVERS[config.solver]
    else:
        task = f"{SOLVERS[config.solver]}, batches of {config.batch}"
    return f"{DATA[config.data]}, {config.hidden} units\n{task}"


def finish_speed(axes, names: list[str], ratios: list[float]) -> None:
    low, high = min(1, *ratios) / 1.1, max(1, *ratios) * 1.15
    axes.set(xscale="log", xlim=(low, high), ylim=(len(names) - 0.5, -0.5))
    ticks = [tick for tick in TICKS if low <= tick <= high]
    axes.set_xticks(ticks, [f"{tick:g}\u00d7" for tick in ticks])
    axes.set_xticks([], minor=True)
    axes.set_yticks(range(len(names)), [speed_label(name) for name in names])
    axes.set_xlabel("how many times as long as skdigitnet")
    axes.figure.legend(loc="outside upper center", ncols=4, handletextpad=0, columnspacing=1)


def paint(axes, ink: str, lines: str) -> None:
    """Give text and lines the colours of a page."""
    axes.set_facecolor("none")
    axes.tick_params(colors=ink, length=0, labelsize=9)
    axes.xaxis.label.set_color(ink)
    axes.spines[:].set_visible(False)
    axes.grid(axis="x", color=lines, linewidth=0.6)
    axes.axvline(1, color=ink, linewidth=1.5)
    axes.set_axisbelow(True)
    legend = axes.figure.legends[0]
    legend.set_frame_on(False)
    for text in legend.get_texts():
        text.set_color(ink)
