"""How long fits and predictions take, ours and the peers', in one run.

    python tests/benchmarks/compare.py --list
    python tests/benchmarks/compare.py --config targets --json FILE --plot FILE.png
    python tests/benchmarks/compare.py --config "digits-adam-*" lbfgs --peers sklearn torch
    SKDIGITNET_MNIST=folder python tests/benchmarks/compare.py --config readme --threads 2

The peers are scikit-learn's MLPClassifier, PyTorch (eager, on the CPU), JAX (a whole epoch
compiled) and skorch; those that are not installed are skipped. All get the same data, the
same initial weights, learning rate, batch size and number of epochs, the same objective
and, but for skorch, the same order of rows, so they come to the same loss: the objective
over all training rows and the accuracy on them are computed from each one's final weights,
by the same NumPy code, and printed for both.

Whole fits of several epochs are timed, after one epoch that does not count, and divided
by the number of epochs; what JAX needs to compile is told apart and is not in the ratio.
Ours and each peer take turns; a ratio is the peer's time divided by ours, of neighbouring
runs, so that a machine that is busy for a while slows down both. Nothing here passes or
fails on time.

The configurations on MNIST need its four original files in the folder that the
environment variable SKDIGITNET_MNIST names, and are skipped without it.
"""

from __future__ import annotations

import argparse
import math
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from configs import SETS, Config, print_list, select, that_can_run
from measure import (
    Spread,
    Target,
    check_can_plot,
    format_seconds,
    print_environment,
    seconds_of_both,
    write_json,
)
from peers import HAS_N_JOBS, PEERS, OurPeer, installed_peers
from pinning import pin
from problem import Problem

# relative; with another order of rows the loss is about the same
LOSS_TOLERANCE = {"float32": 1e-3, "float64": 1e-4}
OWN_ORDER_TOLERANCE = 0.1
LBFGS_TOLERANCE = 1e-8  # where the ratio has a target
PREDICT_CALLS = 10
PREDICT_ROWS = 1000


@dataclass
class Result:
    """What one configuration gave with one peer; pairs are (ours, the peer's).

    ``seconds`` is of one epoch, iteration or prediction, for every repeat.
    """

    config: Config
    peer: str
    compile_seconds: float | None
    same_order: bool
    dtype: str
    seconds: list[tuple[float, float]] = field(default_factory=list)
    losses: tuple[float, float] = (math.nan, math.nan)
    accuracies: tuple[float, float] = (math.nan, math.nan)

    @property
    def ratio(self) -> Spread:
        return Spread.of_ratios(self.seconds)

    @property
    def medians(self) -> tuple[float, float]:
        ours, theirs = zip(*self.seconds, strict=True)
        return Spread.of(ours).median, Spread.of(theirs).median

    @property
    def losses_agree(self) -> bool:
        tolerance = LOSS_TOLERANCE[self.dtype] if self.same_order else OWN_ORDER_TOLERANCE
        return math.isclose(*self.losses, rel_tol=tolerance)

    def goal(self, results: list[Result]) -> float | None:
        """The ratio to be reached: a figure, or the ratio measured on another line."""
        if self.peer not in self.config.targets:
            return None
        for other in results:
            if (other.config.name, other.peer) == (self.config.like, self.peer):
                return other.ratio.median
        return self.config.targets[self.peer]

    def targets(self, results: list[Result]) -> list[Target]:
        goal = self.goal(results)
        if goal is None:
            return []
        name = f"{self.config.name} against {self.peer}"
        reached = [Target(name, goal, self.ratio.median)]
        if self.config.solver == "lbfgs":
            ours, theirs = self.losses
            apart = abs(ours - theirs) / theirs
            reached.append(
                Target(f"{name}, losses apart", LBFGS_TOLERANCE, apart, at_most=True)
            )
        return reached

    def as_dict(self) -> dict:
        keep = ("peer", "compile_seconds", "seconds", "losses", "accuracies", "losses_agree")
        return {
            **asdict(self.config),
            **{name: getattr(self, name) for name in keep},
            "ratio": asdict(self.ratio),
        }


COLUMNS = (
    "{name:25} {peer:8}{ours:>8} {theirs:>8}  {ratio:22} {losses:>21} {accuracies:>14}"
    " {target:>7}  {remark}"
)
HEADER = COLUMNS.format(
    name="an epoch or call",
    peer="peer",
    ours="ours",
    theirs="peer's",
    ratio="ratio (min-max)",
    losses="losses: ours, peer's",
    accuracies="train accuracy",
    target="target",
    remark="",
)


def line(result: Result, results: list[Result]) -> str:
    ours, theirs = (format_seconds(seconds) for seconds in result.medians)
    goal = result.goal(results)
    remarks = [] if result.losses_agree else ["losses differ"]
    if result.compile_seconds is not None:
        remarks.append(f"compiled in {format_seconds(result.compile_seconds)}")
    return COLUMNS.format(
        name=result.config.name,
        peer=result.peer,
        ours=ours,
        theirs=theirs,
        ratio=str(result.ratio),
        losses="{:.8f} {:.8f}".format(*result.losses),
        accuracies="{:.4f} {:.4f}".format(*result.accuracies),
        target="" if goal is None else f"{goal:.3g}",
        remark=", ".join(remarks),
    ).rstrip()


def work_of(peer, problem: Problem, task: str) -> tuple[Callable[[], None], int]:
    """What is timed, and how many epochs or predictions it is."""
    if task == "fit":
        return lambda: peer.fit(problem.max_iter), problem.max_iter
    X = problem.X_test
    if task == "predict":
        return lambda: [peer.predict(X) for _ in range(PREDICT_CALLS)], PREDICT_CALLS
    rows = [X[i : i + 1] for i in range(PREDICT_ROWS)]
    return lambda: [peer.predict(row) for row in rows], PREDICT_ROWS


def compare(
    config: Config, peers: dict[str, type], repeats: int, n_threads: int = 1
) -> list[Result]:
    """Time ours and every peer that has the solver, in turn."""
    problem = Problem.of(config, n_threads)
    ours = OurPeer(problem)
    made = {
        name: kind(problem)
        for name, kind in peers.items()
        if problem.solver["solver"] in kind.solvers
    }
    results = {
        name: Result(config, name, peer.compile_seconds, peer.same_order, str(problem.X.dtype))
        for name, peer in made.items()
    }
    # three epochs: so many that ours makes a sparse copy, in memory new to the process
    ours.fit(min(3, config.max_iter) if config.task == "fit" else 1)
    for peer in made.values():
        peer.fit(1)
    for peer in (ours, *made.values()):
        if problem.X_test is not None:
            peer.predict(problem.X_test)
    our_work, n_units = work_of(ours, problem, config.task)
    for repeat in range(repeats):
        for name, peer in made.items():
            their_work, _ = work_of(peer, problem, config.task)
            ours_begins = repeat % 2 == 0
            both = seconds_of_both(our_work, their_work, ours_begins=ours_begins)
            results[name].seconds.append((both[0] / n_units, both[1] / n_units))
    our_loss, our_accuracy = problem.evaluate(ours.weights())
    for name, peer in made.items():
        loss, accuracy = problem.evaluate(peer.weights())
        results[name].losses = (our_loss, loss)
        results[name].accuracies = (our_accuracy, accuracy)
    return list(results.values())


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--list", action="store_true", help="name the configurations and end")
    what = f"names, patterns such as 'digits-adam-*', or sets ({', '.join(SETS)})"
    add("--config", nargs="+", metavar="NAME", help=what)
    what = f"of {', '.join(PEERS)}; by default all that are installed"
    add("--peers", nargs="+", choices=list(PEERS), default=list(PEERS), help=what)
    add("--threads", type=int, default=1, metavar="N", help="threads and cores; 1 by default")
    add("--readme", action="store_true", help="the same as --config readme")
    what = "two epochs, once: a few seconds to see that it runs; the figures mean little"
    add("--quick", action="store_true", help=what)
    add("--repeats", type=int, default=5, metavar="N")
    add("--json", type=Path, metavar="FILE", help="write the results there too")
    add("--plot", type=Path, metavar="FILE", help="draw the ratios there (needs matplotlib)")
    return parser.parse_args()


def selected(arguments: argparse.Namespace) -> tuple[list[Config], int]:
    """The configurations that were asked for and can run, and how often."""
    default = "quick" if arguments.quick else "targets"
    names = ["readme"] if arguments.readme else arguments.config or [default]
    configs = that_can_run(select(names))
    if arguments.threads > 1:
        # the targets are for one thread
        configs = [replace(config, targets={}) for config in configs]
    if arguments.quick:
        return [replace(config, max_iter=2) for config in configs], 1
    return configs, arguments.repeats


def main() -> None:
    arguments = parse_arguments()
    if arguments.list:
        print_list()
        return
    check_can_plot(arguments.plot)
    pin(arguments.threads)
    configs, repeats = selected(arguments)
    peers = installed_peers(arguments.peers)
    print_environment()
    if arguments.threads > 1 and not HAS_N_JOBS:
        print("This version of skdigitnet has no n_jobs: ours runs on one thread.")
    print(f"{arguments.threads} threads\n{HEADER}")
    results: list[Result] = []
    with warnings.catch_warnings():
        # every fit ends at max_iter, and says so
        warnings.simplefilter("ignore")
        for config in configs:
            new = compare(config, peers, repeats, arguments.threads)
            results.extend(new)
            print("\n".join(line(result, results) for result in new), flush=True)
    targets = [target for result in results for target in result.targets(results)]
    rows = [result.as_dict() for result in results]
    write_json(arguments.json, rows, targets, threads=arguments.threads)
    if arguments.plot is not None:
        from plots import plot_ratios

        plot_ratios(rows, arguments.plot)


if __name__ == "__main__":
    main()
