"""The text of docs/benchmarks.md: a section for each script, from what it wrote.

``measured`` is, everywhere, what the scripts wrote by the name of the run; a section is a
list of lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from statistics import median

from measure import Spread, format_seconds

INTRODUCTION = """\
# Benchmarks

The last full run, measured and written by `python tests/benchmarks/report.py --run`. Every
figure is a ratio within one run, the peer's time divided by ours: ours and the peer take
turns, and a line gives the median over neighbouring runs with the smallest and the largest.
Peers: scikit-learn's `MLPClassifier`; `torch`, an eager loop on the CPU with fused optimisers;
`jax`, a whole epoch in one compiled call, without the time to compile; `skorch` around the
same PyTorch module. All train the same network (one hidden layer of logistic units, ten
softmax outputs) from the same initial weights, with the same objective, step and batches;
objective and accuracy are over all training rows, ours and the peer's. `standardised` is MNIST
standardised, so without zeros, `mnist64` MNIST in float64; a name gives data, solver, hidden
units and batch size. What each script measures is in its docstring, in `tests/benchmarks/`.

The peers come with the extra `bench`:

    pip install ".[bench]"
    SKDIGITNET_MNIST=folder python tests/benchmarks/report.py --run

The lines on MNIST need its four original files in the folder that SKDIGITNET_MNIST names."""
COMPARISONS = {
    "compare": "Against scikit-learn and JAX, one thread",
    "compare-torch": "Against PyTorch, one thread",
    "compare-skorch": "Against skorch, one thread",
    "compare-2-threads": "Against scikit-learn and JAX, two threads",
}
ONE_THREAD = ("compare", "compare-torch", "compare-skorch")
COMPARED = ("configuration", "peer", "ours", "peer's", "ratio", "objective", "accuracy")
FAMILIES = {
    "mnist-sgd": "MNIST, plain SGD",
    "standardised-sgd": "MNIST standardised, plain SGD",
    "mnist-momentum": "MNIST, momentum",
    "mnist-nesterov": "MNIST, Nesterov momentum",
    "mnist-adam": "MNIST, Adam",
}


def benchmarks(measured: dict[str, dict]) -> str:
    """The whole page."""
    sections = [
        [INTRODUCTION],
        machine(measured),
        targets(measured),
        *(compared(measured, run, title) for run, title in COMPARISONS.items()),
        threads(measured),
        studies(measured),
        time_to_accuracy(measured),
        growth(measured),
        imports(measured),
    ]
    return "\n\n".join("\n".join(lines) for lines in sections if lines) + "\n"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [header, ["---"] * len(header), *rows]
    return [f"| {' | '.join(cells)} |" for cells in lines]


def machine(measured: dict[str, dict]) -> list[str]:
    found: dict[str, dict[str, None]] = {}
    for content in measured.values():
        for name, value in content["environment"].items():
            found.setdefault(name, {})[value] = None
    rows = [(name, "; ".join(values)) for name, values in found.items()]
    return ["## Machine and versions", "", *table(("what", "which"), rows)]


def targets(measured: dict[str, dict]) -> list[str]:
    every = [target for content in measured.values() for target in content["targets"]]
    short = [target for target in every if not target["met"]]
    lines = ["## Targets", "", f"Of {len(every)} targets {len(every) - len(short)} were met."]
    if short:
        lines += ["", "Fell short:", "", *target_table(short)]
    met = [target for target in every if target["met"]]
    return lines + (["", "Met:", "", *target_table(met)] if met else [])


def target_table(chosen: list[dict]) -> list[str]:
    rows = [
        (
            target["name"],
            f"{'at most' if target['at_most'] else 'at least'} {target['goal']:.4g}",
            f"{target['reached']:.4g}",
        )
        for target in chosen
    ]
    return table(("what", "target", "measured"), rows)


def compared(measured: dict[str, dict], run: str, title: str) -> list[str]:
    if run not in measured:
        return []
    picture = f"![The ratios by configuration and peer](images/{run}.png)"
    lines = [f"## {title}", "", "Times are of an epoch, an iteration or a call.", "", picture]
    rows = measured[run]["results"]
    for family, members in groupby(rows, key=lambda row: "-".join(row["name"].split("-")[:2])):
        family_rows = list(members)
        if len({row["name"] for row in family_rows}) > 1:
            lines += ["", f"### {FAMILIES.get(family, family)}", ""]
        else:
            lines += ["", f"### {family_rows[0]['name']}", ""]
        lines += table(COMPARED, [compared_row(row) for row in family_rows])
    compiling = [row["compile_seconds"] for row in rows if row["compile_seconds"]]
    if compiling:
        low, high = format_seconds(min(compiling)), format_seconds(max(compiling))
        lines += ["", f"JAX compiled each configuration in {low} to {high}, not counted above."]
    return lines


def compared_row(row: dict) -> list[str]:
    own, theirs = (format_seconds(median(side)) for side in zip(*row["seconds"], strict=True))
    return [
        f"`{row['name']}`",
        row["peer"],
        own,
        theirs,
        ratio_cell(row["ratio"]),
        "{:.6f}, {:.6f}".format(*row["losses"]),
        "{:.4f}, {:.4f}".format(*row["accuracies"]),
    ]


def ratio_cell(ratio: dict[str, float]) -> str:
    return f"**{ratio['median']:.2f}** ({ratio['low']:.2f}-{ratio['high']:.2f})"


def threads(measured: dict[str, dict]) -> list[str]:
    if "threads" not in measured:
        return []
    rows = []
    for row in measured["threads"]["results"]:
        two, one = (median(side) for side in zip(*row["seconds"], strict=True))
        bits = f"`{row['hashes']['1'][:12]}`" if row["same_bits"] else "they differ"
        name, times = f"`{row['config']['name']}`", (format_seconds(one), format_seconds(two))
        rows.append((name, *times, ratio_cell(row["ratio"]), bits))
    header = ("configuration", "one thread", "two", "ratio", "SHA-256 with 1, 2 and 4 threads")
    return ["## One fit on two threads", "", *table(header, rows)]


def studies(measured: dict[str, dict]) -> list[str]:
    if "studies" not in measured:
        return []
    results = measured["studies"]["results"]
    startup = format_seconds(measured["studies"]["startup_seconds"])
    lines = [
        "## Studies",
        "",
        "Searches on five folds of load_digits, SGD in batches of 32, `n_jobs=2`. Those of",
        "scikit-learn run in processes, which are started before the clock"
        f" (in {startup}). What",
        "each line is, the script says: `python tests/benchmarks/studies.py --help`.",
    ]
    for part in ("grid", "epochs", "halving"):
        if part in results:
            lines += ["", *timed_searches(part, results[part])]
    if "agreement" in results:
        lines += ["", *agreement(results["agreement"])]
    if "overhead" in results:
        lines += ["", *overhead(results["overhead"])]
    if results.get("optuna"):
        rows = results["optuna"]["rows"]
        cells = [(row["search"], format_seconds(row["seconds"]), row["best"]) for row in rows]
        lines += ["", "### With Optuna", "", *table(("search", "time", "best"), cells)]
    return lines


TITLES = {
    "grid": "A grid, 50 epochs",
    "epochs": "The same after 10, 20, 30, 40 and 50 epochs",
    "halving": "Halving, 54 epochs",
}


def timed_searches(part: str, measured: dict) -> list[str]:
    rows = []
    for name, times in measured["seconds"].items():
        ratio = measured["ratios"].get(name)
        cell = ratio_cell(ratio) if ratio else ""
        rows.append((name, format_seconds(median(times)), cell))
    title = f"### {TITLES[part]}: {measured['candidates']} candidates"
    lines = [title, "", *table(("search", "time", "times ours"), rows)]
    if "scores" not in measured:
        return lines
    scores = measured["scores"]
    best = ", ".join(f"{name} = {value}" for name, value in scores["best_candidate"].items())
    same = "the same" if scores["same_best_candidate"] else "another"
    return [
        *lines,
        "",
        f"The best candidate of ours is {best}, and of MLPClassifier {same}; they score",
        f"{scores['best_score']:.6f} and {scores['their_best_score']:.6f}. Where the objective"
        " is the same (alpha 0), the",
        "scores of a fold are at most"
        f" {scores['largest_difference_same_objective']:.1e} apart; elsewhere"
        f" {scores['scores_that_differ_elsewhere']} of {scores['scores_elsewhere']} differ,",
        f"by {scores['largest_difference_elsewhere']:.1e} at most: there MLPClassifier"
        " penalises the shorter last batch more.",
    ]


def agreement(measured: dict) -> list[str]:
    rows = [
        (
            row["rule"],
            f"{row['share_of_epochs']:.0%}",
            f"{row['same_winner']}/{measured['studies']}",
            f"{row['mean_score_lost']:.4f} (at most {row['score_lost']['high']:.4f})",
        )
        for row in measured["rows"]
    ]
    header = ("rule", "epochs trained", "same winner", "mean score lost")
    return ["### The winner, against training all to the end", "", *table(header, rows)]


def overhead(measured: list[dict]) -> list[str]:
    rows = [
        (
            f"{row['cells']:,}",
            "yes" if row["journal"] else "no",
            format_seconds(row["seconds"]),
            "" if row["bytes"] is None else f"{row['bytes'] / 1000:.1f} kB",
        )
        for row in measured
    ]
    header = ("cells", "journal", "time a cell", "memory a cell")
    return ["### Outside fits and scores", "", *table(header, rows)]


def time_to_accuracy(measured: dict[str, dict]) -> list[str]:
    if "time_to_accuracy" not in measured:
        return []
    content = measured["time_to_accuracy"]
    rows = []
    for row in content["results"]:
        seconds, accuracies = zip(*row["runs"], strict=True)
        reached = sum(accuracy >= content["goal"] for accuracy in accuracies)
        spread = Spread.of([100 * accuracy for accuracy in accuracies])
        time = format_seconds(median(seconds))
        rows.append((row["peer"], time, f"{spread} %", f"{reached}/{len(seconds)}"))
    header = ("", "fit", "test accuracy", "seeds there")
    settings = [f"- {row['peer']}: {row['settings']}." for row in content["results"]]
    return [
        f"## From calling fit to {content['goal']:.1%} on MNIST's test images, two cores",
        "",
        *table(header, rows),
        "",
        "Settings, chosen on a validation split of the training images:",
        "",
        *settings,
    ]


def growth(measured: dict[str, dict]) -> list[str]:
    if "growth" not in measured:
        return []
    memory = measured["growth"]["memory"]
    rows = [
        (f"{row['rows']:,}", f"{row['density']:g}", f"{row['bytes'] / 2**20:.1f} MiB")
        for row in memory
    ]
    picture = "![Time per epoch by rows, features, units and batch size](images/growth.png)"
    lines = ["## How time and memory grow", "", picture]
    if rows:
        lines += ["", "What fit needs beyond X and y, 256 features and 64 units:", ""]
        lines += table(("rows", "share of X not zero", "memory"), rows)
    return lines


def imports(measured: dict[str, dict]) -> list[str]:
    if "imports" not in measured:
        return []
    results = measured["imports"]["results"]
    rows = []
    for name, value in results.items():
        times = value if isinstance(value, list) else [value["median"]]
        rows.append((name, ", ".join(format_seconds(seconds) for seconds in times)))
    lines = ["## Import, and the first fits after it", "", "Medians over fresh processes:", ""]
    return lines + table(("what", "time; fits one to five"), rows)
