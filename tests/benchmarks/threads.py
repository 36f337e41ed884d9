"""One fit of ours on one thread against the same fit on two.

    python tests/benchmarks/threads.py
    python tests/benchmarks/threads.py --config mnist-sgd-500-200 --repeats 9 --json FILE

The ratio is the time with n_jobs=1 divided by that with n_jobs=2, of neighbouring fits, on
two cores. For one, two and four threads the SHA-256 of all final weights is taken: it must
be the same, whatever the cores.
"""

from __future__ import annotations

import argparse
import hashlib
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path

from configs import Config, select, that_can_run
from measure import Spread, Target, format_seconds, in_turn, print_environment, write_json
from peers import HAS_N_JOBS, OurPeer
from pinning import pin
from problem import Problem, Weights

GOALS = {"mnist-sgd-500-200": 1.6, "mnist64-lbfgs-100": 1.6}
# no other is to be slower on two threads than on one; 0.03 is for the noise
NO_SLOWER = 0.97
HASHED_THREADS = (1, 2, 4)


@dataclass(frozen=True)
class Result:
    """Pairs of ``seconds`` are (two threads, one thread), of a whole fit."""

    config: Config
    seconds: list[tuple[float, float]]
    hashes: dict[int, str]

    @property
    def ratio(self) -> Spread:
        return Spread.of_ratios(self.seconds)

    @property
    def same_bits(self) -> bool:
        return len(set(self.hashes.values())) == 1

    def targets(self) -> list[Target]:
        name, goal = self.config.name, GOALS.get(self.config.name, NO_SLOWER)
        return [
            Target(f"{name}, two threads against one", goal, self.ratio.median),
            Target(f"{name}, one hash with 1, 2 and 4 threads", 1, self.same_bits),
        ]

    def line(self) -> str:
        two, one = (Spread.of(side).median for side in zip(*self.seconds, strict=True))
        bits = "same bits " + self.hashes[1][:12] if self.same_bits else "BITS DIFFER"
        goal = GOALS.get(self.config.name, NO_SLOWER)
        return (
            f"{self.config.name:26}{format_seconds(one):>9}{format_seconds(two):>9}"
            f"  {self.ratio!s:20}{goal:>6}  {bits}"
        )


def sha256(weights: Weights) -> str:
    coefs, intercepts = weights
    digest = hashlib.sha256()
    for array in (*coefs, *intercepts):
        digest.update(array.tobytes())
    return digest.hexdigest()


def measure(config: Config, repeats: int) -> Result:
    fits = {n: OurPeer(Problem.of(config, n_threads=n)) for n in HASHED_THREADS}
    hashes = {}
    for n_threads, ours in fits.items():
        ours.fit(config.max_iter)
        hashes[n_threads] = sha256(ours.weights())
    seconds = in_turn(
        lambda: fits[2].fit(config.max_iter), lambda: fits[1].fit(config.max_iter), repeats
    )
    return Result(config, seconds, hashes)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", nargs="+", metavar="NAME", default=["targets"])
    parser.add_argument("--repeats", type=int, default=5, metavar="N")
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    pin(1, n_cores=2)
    if not HAS_N_JOBS:
        raise SystemExit("This version of skdigitnet has no n_jobs: nothing to compare.")
    configs = [config for config in select(arguments.config) if config.task == "fit"]
    print_environment()
    print(f"{'whole fits':26}{'1 thread':>9}{'2':>9}  {'ratio (min-max)':20}{'target':>6}")
    results = []
    with warnings.catch_warnings():
        # every fit ends at max_iter, and says so
        warnings.simplefilter("ignore")
        for config in that_can_run(configs):
            results.append(measure(config, arguments.repeats))
            print(results[-1].line(), flush=True)
    rows = [
        {**asdict(result), "ratio": asdict(result.ratio), "same_bits": result.same_bits}
        for result in results
    ]
    targets = [target for result in results for target in result.targets()]
    write_json(arguments.json, rows, targets)


if __name__ == "__main__":
    main()
