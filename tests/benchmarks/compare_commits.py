"""Two commits of our own on the same configurations, so that a slowdown is seen in time.

    python tests/benchmarks/compare_commits.py HEAD~1 HEAD
    python tests/benchmarks/compare_commits.py v0.1.0 HEAD --config quick "mnist-*" --fits 5

Each commit is built by pip into a folder of its own, which goes when the command ends. The
same fits then run in fresh processes, first of the one, then of the other; the ratio is the
first commit's time divided by the second's: below 1 the second commit is the slower. The
benchmark's own files are those of this checkout, for both.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from configs import Config, select, that_can_run
from measure import Spread, format_seconds, print_environment, seconds_of
from pinning import pin
from problem import Problem

SCRIPT = Path(__file__).resolve()
ROOT = SCRIPT.parents[2]


def build(commit: str, folder: Path) -> Path:
    """Install that commit's package into the folder."""
    source, installed = folder / "source", folder / "installed"
    source.mkdir(parents=True)
    archive = folder / "source.tar"
    git_archive = ["git", "-C", ROOT, "archive", f"--output={archive}", commit]
    subprocess.run(git_archive, check=True)
    subprocess.run(["tar", "--extract", "--file", archive, "--directory", source], check=True)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    subprocess.run([*pip, "--target", installed, source], check=True)
    return installed


def fit_here(name: str, fits: int, max_iter: int | None, n_threads: int) -> dict:
    """Median seconds of some fits in this process, after one epoch that does not count."""
    from peers import OurPeer  # skdigitnet is that of the commit

    (config,) = select([name])
    config = replace(config, max_iter=max_iter or config.max_iter)
    ours = OurPeer(problem := Problem.of(config, n_threads))
    with warnings.catch_warnings():
        # every fit ends at max_iter, and says so
        warnings.simplefilter("ignore")
        ours.fit(1)
        times = [seconds_of(lambda: ours.fit(config.max_iter)) for _ in range(fits)]
    loss, _ = problem.evaluate(ours.weights())
    return {"seconds": Spread.of(times).median, "loss": loss}


class Build:
    """An installed commit; ``fit`` times a configuration in a fresh process."""

    def __init__(self, commit: str, folder: Path):
        self.installed = build(commit, folder)

    def fit(self, config: Config, arguments: argparse.Namespace) -> dict:
        command = [sys.executable, str(SCRIPT), "--worker", config.name]
        for option in ("fits", "max_iter", "threads"):
            if (value := getattr(arguments, option)) is not None:
                command += [f"--{option.replace('_', '-')}", str(value)]
        done = subprocess.run(
            command,
            env={**os.environ, "PYTHONPATH": str(self.installed)},
            cwd=self.installed,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        return json.loads(done.stdout.splitlines()[-1])


def compare(builds: list[Build], config: Config, arguments: argparse.Namespace) -> str:
    """The line of one configuration."""
    seconds, losses = [], [0.0, 0.0]
    for repeat in range(arguments.repeats):
        both = [0.0, 0.0]
        for i in (0, 1) if repeat % 2 == 0 else (1, 0):
            measured = builds[i].fit(config, arguments)
            both[i], losses[i] = measured["seconds"], measured["loss"]
        seconds.append((both[1], both[0]))
    second, first = (Spread.of(side).median for side in zip(*seconds, strict=True))
    return (
        f"{config.name:26}{format_seconds(first):>9}{format_seconds(second):>9}"
        f"  {Spread.of_ratios(seconds)!s:20}  {losses[0]:.10f} {losses[1]:.10f}"
    )


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("commits", nargs="*", metavar="COMMIT", help="the first and the second")
    add("--config", nargs="+", metavar="NAME", default=["quick"], help="as for compare.py")
    add("--repeats", type=int, default=5, metavar="N", help="processes of each")
    add("--fits", type=int, default=3, metavar="N", help="fits in each process")
    add("--max-iter", type=int, metavar="N", help="epochs, instead of the configuration's")
    add("--threads", type=int, default=1, metavar="N")
    add("--worker", metavar="NAME", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker is None and len(arguments.commits) != 2:
        parser.error("two commits, please")
    return arguments


def main() -> None:
    arguments = parse_arguments()
    pin(arguments.threads)
    if arguments.worker is not None:
        measured = fit_here(
            arguments.worker, arguments.fits, arguments.max_iter, arguments.threads
        )
        print(json.dumps(measured))
        return
    configs = [config for config in select(arguments.config) if config.task == "fit"]
    print_environment()
    with TemporaryDirectory() as folder:
        builds = [
            Build(commit, Path(folder, str(i))) for i, commit in enumerate(arguments.commits)
        ]
        print(f"{'whole fits':26}{'first':>9}{'second':>9}  {'ratio (min-max)':20}  losses")
        for config in that_can_run(configs):
            print(compare(builds, config, arguments), flush=True)


if __name__ == "__main__":
    main()
