"""What defaults.py measured, as lines to print and as Markdown.

``results`` is, everywhere, a list of what an estimator did on a set, as
``defaults.measure`` gives it.
"""

from __future__ import annotations

from collections import Counter
from statistics import fmean

from defaults_data import HALVES

OURS, MLP, LOGISTIC = "BackpropMLPClassifier", "MLPClassifier", "LogisticRegression"
HEADER = "set: rows x features, classes, half; accuracy, seconds of fits, iterations, remarks"


def accuracy(result: dict) -> float:
    return fmean(fold["accuracy"] for fold in result["folds"])


def seconds(result: dict) -> float:
    return sum(fold["seconds"] for fold in result["folds"])


def warned(results: list[dict]) -> Counter[str]:
    """How many warnings of each category there were."""
    found: Counter[str] = Counter()
    for result in results:
        for fold in result["folds"]:
            found.update(fold["warnings"])
    return found


def not_learned(result: dict) -> int:
    """In how many folds nothing, or nearly, was learned."""
    return sum(not fold["learned"] for fold in result["folds"])


def line(rows: list[dict]) -> str:
    """What all estimators did on a set."""
    first = rows[0]
    lines = [
        f"{first['set']}: {first['rows']} x {first['features']}, {first['classes']} classes,"
        f" {first['half']}"
    ]
    for row in rows:
        iterations = [fold["n_iter"] for fold in row["folds"] if fold["n_iter"] is not None]
        shown = f"{fmean(iterations):6.0f}" if iterations else " " * 6
        lines.append(
            f"  {row['estimator']:31} {accuracy(row):7.2%} {seconds(row):8.2f} s {shown}"
            f"  {remarks(row)}"
        )
    return "\n".join(lines)


def remarks(row: dict) -> str:
    said = [f"{count} {name}" for name, count in sorted(warned([row]).items())]
    if count := not_learned(row):
        said.append(f"nothing learned in {count} of {len(row['folds'])} folds")
    said += sorted({fold["error"] for fold in row["folds"] if "error" in fold})
    return ", ".join(said)


def by_estimator(results: list[dict]) -> dict[str, dict[str, dict]]:
    """The results by estimator and set."""
    found: dict[str, dict[str, dict]] = {}
    for result in results:
        found.setdefault(result["estimator"], {})[result["set"]] = result
    return found


def best_of(estimators: dict[str, dict[str, dict]], names: list[str]) -> dict[str, float]:
    """The accuracy by set of the best of these estimators, where all were measured."""
    chosen = [estimators[name] for name in names if name in estimators]
    if len(chosen) < len(names):
        return {}
    common = set.intersection(*(set(sets) for sets in chosen))
    return {name: max(accuracy(sets[name]) for sets in chosen) for name in common}


def summary(results: list[dict]) -> str:
    estimators = by_estimator(results)
    lines = [""]
    for half in HALVES:
        lines += half_lines(half, estimators)
    lines += against_mlp(estimators)
    return "\n".join(lines)


def half_lines(half: str, estimators: dict[str, dict[str, dict]]) -> list[str]:
    """Mean accuracies and the like over the sets of a half."""
    lines = []
    for name, sets in estimators.items():
        rows = [row for row in sets.values() if row["half"] == half]
        if not rows:
            continue
        flat = sum(not_learned(row) > 0 for row in rows)
        said = ", ".join(f"{count} {which}" for which, count in sorted(warned(rows).items()))
        lines.append(
            f"{half}: {name}, {len(rows)} sets: mean accuracy {fmean(map(accuracy, rows)):.3%},"
            f" {sum(map(seconds, rows)):.1f} s; nothing learned in a fold of {flat} sets;"
            f" warnings: {said or 'none'}"
        )
    best = best_of(estimators, [MLP, LOGISTIC])
    halves = {row["set"]: row["half"] for sets in estimators.values() for row in sets.values()}
    if of_half := [value for name, value in best.items() if halves[name] == half]:
        lines.append(
            f"{half}: the best of {MLP} and {LOGISTIC} on each set, {len(of_half)} sets:"
            f" mean accuracy {fmean(of_half):.3%}"
        )
    return lines


def against_mlp(estimators: dict[str, dict[str, dict]]) -> list[str]:
    """Ours and MLPClassifier on the sets that both were measured on."""
    ours, theirs = estimators.get(OURS, {}), estimators.get(MLP, {})
    common = [name for name in ours if name in theirs]
    if not common:
        return []
    gains = {name: accuracy(ours[name]) - accuracy(theirs[name]) for name in common}
    worst = sorted(common, key=gains.__getitem__)[:5]
    own_time, their_time = (sum(seconds(s[name]) for name in common) for s in (ours, theirs))
    return [
        f"Against {MLP}, in points: "
        + ", ".join(f"{name} {100 * gains[name]:+.2f}" for name in worst)
        + " (the five lowest of "
        + str(len(common))
        + ")",
        f"Time of all fits, {MLP} / ours: {their_time:.1f} s / {own_time:.1f} s"
        f" = {their_time / own_time:.2f}",
    ]


def tables(ours: dict, peers: list[dict]) -> str:
    """Markdown."""
    return ""
