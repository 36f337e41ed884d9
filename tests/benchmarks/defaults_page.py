"""What defaults.py measured as Markdown, put into a page between two lines of it.

The page has a line with BEGIN and, later, one with END; what was between them is replaced.
``ours`` and ``peers`` are the contents of the files of --json and --peers-json.
"""

from __future__ import annotations

from pathlib import Path

from defaults_data import GROUPS, HALVES
from defaults_summary import (
    LOGISTIC,
    MLP,
    OURS,
    accuracy,
    best_of,
    by_estimator,
    gains_on,
    mean_accuracies,
    not_learned,
    seconds,
)
from measure import format_seconds
from pages import machine, table

BEGIN, END = "<!-- measured -->", "<!-- end of what was measured -->"
TITLES = {
    "report": "The sets that nothing was chosen on",
    "choose": "The sets that settings were chosen on",
}
HEADER = (
    "", "sets", "mean accuracy", "generated", "real",
    "sets with nothing learned", "fits that warn", "time",
)  # fmt: skip
EQUAL = 0.005


def write_page(path: Path, ours: dict, peers: dict) -> None:
    """Replace what is between BEGIN and END in the page."""
    before, begin, rest = path.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise SystemExit(f"{path.name} needs a line {BEGIN} and, below it, a line {END}.")
    path.write_text(f"{before}{begin}\n\n{tables(ours, peers)}\n\n{end}{after}")
    print(f"{path.name} is written.")


def tables(ours: dict, peers: dict) -> str:
    """Machine, summary and accuracies by set; peers that saw the same data as ours."""
    own = ours["results"]
    seen = {(row["set"], row["data"], row["scaled"]) for row in own}
    theirs = [
        row for row in peers["results"] if (row["set"], row["data"], row["scaled"]) in seen
    ]
    estimators = by_estimator([*own, *theirs])
    sections = [half_section(half, estimators) for half in reversed(HALVES)]
    sections.append(machine({"ours": ours, "peers": peers}))
    return "\n\n".join("\n".join(lines) for lines in sections if lines)


def half_section(half: str, estimators: dict[str, dict[str, dict]]) -> list[str]:
    chosen = {
        estimator: {name: row for name, row in sets.items() if row["half"] == half}
        for estimator, sets in estimators.items()
    }
    chosen = {estimator: sets for estimator, sets in chosen.items() if sets}
    if OURS not in chosen:
        return []
    lines = [f"## {TITLES[half]}"]
    # estimators side by side only where all were measured; ours is everywhere
    measured_on = {frozenset(sets) for sets in chosen.values()}
    for names in sorted(measured_on, key=len, reverse=True):
        on_these = {
            estimator: {name: sets[name] for name in sets if name in names}
            for estimator, sets in chosen.items()
            if names <= sets.keys()
        }
        if len(names) < len(chosen[OURS]):
            lines += ["", f"On the {len(names)} of them that more were measured on:"]
        lines += ["", *summary_table(on_these), *against(MLP, on_these)]
    return [*lines, "", *set_table(chosen)]


def summary_table(estimators: dict[str, dict[str, dict]]) -> list[str]:
    """A line for each estimator, over the sets of all."""
    rows = []
    for estimator, sets in estimators.items():
        fits = [fold for row in sets.values() for fold in row["folds"]]
        rows.append(
            (
                estimator,
                str(len(sets)),
                *means({name: accuracy(row) for name, row in sets.items()}),
                str(sum(not_learned(row) > 0 for row in sets.values())),
                f"{sum(bool(fold['warnings']) for fold in fits)} of {len(fits)}",
                format_seconds(sum(map(seconds, sets.values()))),
            )
        )
    if best := best_of(estimators):
        which = f"the better of {MLP} and {LOGISTIC} on each set"
        rows.append((which, str(len(best)), *means(best), "", "", ""))
    return table(HEADER, rows)


def means(accuracies: dict[str, float]) -> list[str]:
    """Over all sets, over those generated and over the real ones."""
    return ["" if mean is None else f"{mean:.2%}" for mean in mean_accuracies(accuracies)]


def against(other: str, estimators: dict[str, dict[str, dict]]) -> list[str]:
    """On how many sets ours is better and worse, and where it is worst."""
    gains = gains_on(other, estimators)
    if not gains:
        return []
    better = sum(gain > EQUAL for gain in gains.values())
    worse = sum(gain < -EQUAL for gain in gains.values())
    lowest, gain = next(iter(gains.items()))
    return [
        "",
        f"Of {len(gains)} sets ours is better than {other} by more than {100 * EQUAL:g} points"
        f" on {better} and worse by more on {worse}; the lowest is `{lowest}` with"
        f" {100 * gain:+.1f} points.",
    ]


def set_table(estimators: dict[str, dict[str, dict]]) -> list[str]:
    """Accuracy in per cent by set and estimator, and the time of ours and MLPClassifier."""
    timed = [estimator for estimator in (OURS, MLP) if estimator in estimators]
    header = ("set", "rows x features, classes", *estimators, *(f"{e}, time" for e in timed))
    own = sorted(
        estimators[OURS].values(),
        key=lambda row: (GROUPS.index(row["group"]), row["rows"], row["set"]),
    )
    lines = []
    for row in own:
        name = row["set"]
        size = f"{row['rows']:,} x {row['features']}, {row['classes']}"
        accuracies = [
            f"{100 * accuracy(sets[name]):.1f}" if name in sets else ""
            for sets in estimators.values()
        ]
        times = [
            format_seconds(seconds(estimators[e][name])) if name in estimators[e] else ""
            for e in timed
        ]
        lines.append((f"`{name}`", size, *accuracies, *times))
    return table(header, lines)
