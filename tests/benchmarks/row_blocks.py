"""Training on rows that are read in blocks from a file against the same rows in memory.

    python tests/benchmarks/row_blocks.py
    python tests/benchmarks/row_blocks.py --rows 500000 --folder /scratch --json FILE

An epoch of SGD, in float32 and from bytes that are scaled, of a memory map in the page cache:
the fit from memory takes an array of float32. The ratio is that of neighbouring fits, in
blocks divided by in memory; the bytes are those that the fit in blocks needs at its peak
beyond the classes. Predictions of all rows are compared too.
"""

from __future__ import annotations

import argparse
import tempfile
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from measure import (
    CAN_MEASURE_MEMORY,
    Spread,
    Target,
    format_seconds,
    in_turn,
    memory_of,
    print_environment,
    write_json,
)
from sklearn.exceptions import ConvergenceWarning

from skdigitnet import BackpropMLPClassifier
from skdigitnet.datasets import RowBlocks

N_FEATURES = 784
N_CLASSES = 10
MAX_RATIO = 1.2
HIDDEN = {"30": (30,), "100": (100,), "500-200": (500, 200)}
KINDS = {"float32": (np.float32, None), "bytes": (np.uint8, 1 / 255)}


@dataclass(frozen=True)
class Result:
    """Pairs of seconds are (in memory, in blocks)."""

    name: str
    fits: list[tuple[float, float]]
    predictions: list[tuple[float, float]]
    n_bytes: int | None

    def targets(self) -> list[Target]:
        ratio = Spread.of_ratios(self.fits).median
        return [Target(f"{self.name}, in blocks / in memory", MAX_RATIO, ratio, at_most=True)]

    def __str__(self) -> str:
        in_memory, in_blocks = (Spread.of(side).median for side in zip(*self.fits, strict=True))
        peak = "" if self.n_bytes is None else f"{self.n_bytes / 2**20:7.0f} MiB"
        fit, predict = map(Spread.of_ratios, (self.fits, self.predictions))
        return (
            f"{self.name:20}{format_seconds(in_memory):>10}{format_seconds(in_blocks):>10}"
            f"  {fit!s:20}{predict!s:20}{peak}"
        )


def write_rows(path: Path, n_rows: int, dtype, density: float) -> np.ndarray:
    """A memory map of random pixels in a new file."""
    rng = np.random.default_rng(0)
    X = np.lib.format.open_memmap(path, "w+", dtype, (n_rows, N_FEATURES))
    for start in range(0, n_rows, 1000):
        part = X[start : start + 1000]
        pixels = rng.integers(1, 256, part.shape, dtype=np.uint8)
        pixels *= rng.random(part.shape, dtype=np.float32) < density
        part[:] = pixels if dtype == np.uint8 else pixels / np.float32(255)
    return np.load(path, mmap_mode="r")


def measured(name: str, mapped: np.ndarray, scale, hidden, args) -> Result:
    X = np.array(mapped, np.float32) * np.float32(1 if scale is None else scale)
    y = np.random.default_rng(1).integers(N_CLASSES, size=len(X))
    blocks = RowBlocks(mapped, scale=scale)
    clf = BackpropMLPClassifier(
        hidden, batch_size=args.batch_size, max_iter=1, random_state=0, n_jobs=args.n_jobs
    )
    n_bytes = memory_of(lambda: clf.fit(blocks, y)) if CAN_MEASURE_MEMORY else None
    fits = in_turn(lambda: clf.fit(X, y), lambda: clf.fit(blocks, y), args.repeats)
    predictions = in_turn(lambda: clf.predict(X), lambda: clf.predict(blocks), args.repeats)
    return Result(name, fits, predictions, n_bytes)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--density", type=float, default=1.0, help="share of pixels not zero")
    parser.add_argument("--batch-size", type=int, default=100)
    parser.add_argument("--n-jobs", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--folder", help="for the files; the system's own by default")
    parser.add_argument("--json", type=Path, metavar="FILE")
    args = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    print_environment()
    print(f"{args.rows} rows of {N_FEATURES} features, batches of {args.batch_size}")
    print(f"{'':20}{'in memory':>10}{'in blocks':>10}  {'fit':20}{'predict':20}peak in blocks")
    results = []
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        for kind, (dtype, scale) in KINDS.items():
            mapped = write_rows(Path(folder) / f"{kind}.npy", args.rows, dtype, args.density)
            for units, hidden in HIDDEN.items():
                results.append(measured(f"{kind}, {units} units", mapped, scale, hidden, args))
                print(results[-1])
    targets = [target for result in results for target in result.targets()]
    print("", *targets, sep="\n")
    write_json(args.json, [asdict(result) for result in results], targets)


if __name__ == "__main__":
    main()
