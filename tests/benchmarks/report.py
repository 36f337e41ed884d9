"""The page docs/benchmarks.md, from the JSON files of a full run.

    python tests/benchmarks/report.py --run           measure everything, then write the page
    python tests/benchmarks/report.py --run threads   measure this again, then write the page
    python tests/benchmarks/report.py                 write the page from what there is

The files are kept in .benchmarks/ in the repository, which git ignores; the pictures are
drawn into docs/images/, also the one of the README and the home page. A full run takes
about half an hour and wants a quiet machine.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import pages

SCRIPTS = Path(__file__).resolve().parent
ROOT = SCRIPTS.parents[1]
RESULTS = ROOT / ".benchmarks"
DOCS = ROOT / "docs"
REPEATS = ("--repeats", "3")
SMALL = ("digits-sgd-30-10", "digits-sgd-30-32", "digits-sgd-100-32", "digits-sgd-100-200")
RUNS = {
    "compare": [
        "compare.py", "--config", "targets", "readme", "--peers", "sklearn", "jax", *REPEATS,
    ],
    "compare-torch": [
        "compare.py", "--config", "mnist-sgd-*", *SMALL, "--peers", "torch", *REPEATS,
    ],
    "compare-skorch": ["compare.py", "--config", *SMALL, "--peers", "skorch", *REPEATS],
    "compare-2-threads": [
        "compare.py", "--config", "mnist-sgd-*", "mnist-adam-*", "*64-lbfgs-*",
        "--peers", "sklearn", "jax", "--threads", "2", *REPEATS,
    ],
    "threads": ["threads.py", *REPEATS],
    "studies": ["studies.py"],
    "time_to_accuracy": ["time_to_accuracy.py"],
    "growth": ["growth.py", "--peers", "sklearn", "jax", "--repeats", "1"],
    "imports": ["imports.py"],
}  # fmt: skip


def run(name: str, folder: Path) -> None:
    """Run a script in a process of its own, from a folder without a skdigitnet in it."""
    script, *options = RUNS[name]
    print(f"\n=== {name}", flush=True)
    file = folder.resolve() / f"{name}.json"
    command = [sys.executable, SCRIPTS / script, *options, "--json", file]
    subprocess.run(command, cwd=folder, check=True)


def load(folder: Path) -> dict[str, dict]:
    """What the scripts wrote, by the name of the run."""
    files = {name: folder / f"{name}.json" for name in RUNS}
    return {name: json.loads(f.read_text()) for name, f in files.items() if f.exists()}


def draw(measured: dict[str, dict], images: Path) -> None:
    from configs import SETS
    from plots import PAGES, plot_growth, plot_ratios, plot_speed

    images.mkdir(parents=True, exist_ok=True)
    for name in pages.COMPARISONS:
        if name in measured:
            plot_ratios(measured[name]["results"], images / f"{name}.png")
    one_thread = [measured[name]["results"] for name in pages.ONE_THREAD if name in measured]
    rows = [row for rows in one_thread for row in rows if row["name"] in SETS["readme"]]
    for page in PAGES if rows else []:
        plot_speed(rows, page, images / f"speed-{page}.svg")
    if "growth" in measured:
        plot_growth(measured["growth"]["results"], images / "growth.png")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = f"measure first: everything, or some of {', '.join(RUNS)}"
    parser.add_argument("--run", nargs="*", choices=list(RUNS), metavar="NAME", help=what)
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FOLDER")
    parser.add_argument("--docs", type=Path, default=DOCS, metavar="FOLDER")
    arguments = parser.parse_args()
    arguments.results.mkdir(parents=True, exist_ok=True)
    if arguments.run is not None:
        for name in arguments.run or RUNS:
            run(name, arguments.results)
    measured = load(arguments.results)
    if not measured:
        raise SystemExit("Nothing is measured yet: give --run.")
    draw(measured, arguments.docs / "images")
    page = arguments.docs / "benchmarks.md"
    page.write_text(pages.benchmarks(measured))
    print(f"{page.name} is written.")


if __name__ == "__main__":
    main()
