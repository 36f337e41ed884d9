"""What defaults.py measured, as figures and as lines to print.

``results`` is, everywhere, a list of what an estimator did on a set, as
``defaults.measure`` gives it.
"""

from __future__ import annotations

from collections import Counter
from statistics import fmean

from defaults_data import DATA_SETS, HALVES

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


def best_of(estimators: dict[str, dict[str, dict]]) -> dict[str, float]:
    """The better accuracy of MLPClassifier's and LogisticRegression's, by set."""
    mlp, logistic = estimators.get(MLP, {}), estimators.get(LOGISTIC, {})
    return {
        name: max(accuracy(mlp[name]), accuracy(logistic[name]))
        for name in mlp
        if name in logistic
    }


def mean_accuracies(accuracies: dict[str, float]) -> tuple[float | None, ...]:
    """Over all sets, over those generated and over the real ones; None over no set."""
    drawn = [a for name, a in accuracies.items() if DATA_SETS[name].group == "generated"]
    real = [a for name, a in accuracies.items() if DATA_SETS[name].group != "generated"]
    return tuple(fmean(some) if some else None for some in ([*drawn, *real], drawn, real))


def means_in_words(accuracies: dict[str, float]) -> str:
    words = ("mean accuracy", "generated", "real")
    means = zip(words, mean_accuracies(accuracies), strict=True)
    return ", ".join(f"{word} {mean:.3%}" for word, mean in means if mean is not None)


def gains_on(other: str, estimators: dict[str, dict[str, dict]]) -> dict[str, float]:
    """Our accuracy less the other's, by set, the lowest first."""
    ours, theirs = estimators.get(OURS, {}), estimators.get(other, {})
    gains = {n: accuracy(ours[n]) - accuracy(theirs[n]) for n in ours if n in theirs}
    return dict(sorted(gains.items(), key=lambda item: item[1]))


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
            f"{half}: {name}, {len(rows)} sets:"
            f" {means_in_words({row['set']: accuracy(row) for row in rows})},"
            f" {sum(map(seconds, rows)):.1f} s; nothing learned in a fold of {flat} sets;"
            f" warnings: {said or 'none'}"
        )
    halves = {row["set"]: row["half"] for sets in estimators.values() for row in sets.values()}
    best = best_of(estimators)
    if of_half := {name: value for name, value in best.items() if halves[name] == half}:
        lines.append(
            f"{half}: the best of {MLP} and {LOGISTIC} on each set, {len(of_half)} sets:"
            f" {means_in_words(of_half)}"
        )
    return lines


def against_mlp(estimators: dict[str, dict[str, dict]]) -> list[str]:
    """Ours and MLPClassifier on the sets that both were measured on."""
    gains = gains_on(MLP, estimators)
    if not gains:
        return []
    lowest = ", ".join(f"{name} {100 * gain:+.2f}" for name, gain in list(gains.items())[:5])
    own, theirs = (sum(seconds(estimators[e][name]) for name in gains) for e in (OURS, MLP))
    return [
        f"Against {MLP} on {len(gains)} sets, the lowest, in points: {lowest}",
        f"Time of all fits, {MLP} / ours: {theirs:.1f} s / {own:.1f} s = {theirs / own:.2f}",
    ]
