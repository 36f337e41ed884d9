"""How near the matrix products come to the most that one core can do, beside BLAS's.

    python tests/benchmarks/products.py
    python tests/benchmarks/products.py --instruction-set avx2 --networks 64-50-10 --json FILE

Every product that training a network needs, for batches of several sizes: forward, the
hidden deltas, and the gradient, which is added to what is there. The peak is of
multiply-adds that stay in registers, measured before and after every product, and a
product's share is of the higher of the two; ours and the BLAS that SciPy has take turns,
and the best of many times counts. Compiles products.c beside this file, with the C compiler
in CC or ``cc``, against the sources of a checkout.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from measure import Target, print_environment, write_json
from pinning import pin
from scipy.linalg import cython_blas
from sources import HEADERS, flags

from skdigitnet._core import arithmetic

HERE = Path(__file__).parent
INSTRUCTION_SETS = tuple(arithmetic.INSTRUCTION_SETS)  # in the order of their numbers
REALS = {"float": np.float32, "double": np.float64}
BLAS = {"float": "sgemm", "double": "dgemm"}
NETWORKS = ("64-25-10", "64-30-10", "64-50-10", "64-100-10", "64-240-10", "784-30-10",
            "784-100-10", "784-500-10")  # fmt: skip
BATCHES = (10, 32, 200)
PEAK_REPEATS = 20_000
SECONDS = 4e-4  # of one measurement
ROUNDS = 60
# of the peak, by batch, for products of at least so many columns
GOALS = {32: (0.60, 25), 200: (0.75, 100)}


@dataclass(frozen=True)
class Product:
    """c = a @ b with c of shape (m, n); ``transposed`` if a is stored as (k, m)."""

    what: str
    m: int
    n: int
    k: int
    transposed: bool = False

    def __str__(self) -> str:
        return f"{self.what:8} ({self.m:3}, {self.n:3}, {self.k:3})"


@dataclass(frozen=True)
class Figure:
    """Operations a second of a product."""

    product: Product
    real: str
    ours: float
    blas: float
    peak: float

    @property
    def share(self) -> float:
        return self.ours / self.peak


def products(network: str, batch: int) -> Iterable[Product]:
    """Those of a step of training."""
    sizes = [int(size) for size in network.split("-")]
    for layer, (n_in, n_out) in enumerate(pairwise(sizes)):
        yield Product("forward", batch, n_out, n_in)
        if layer > 0:
            yield Product("deltas", batch, n_in, n_out)
        yield Product("gradient", n_in, n_out, batch, transposed=True)


def compile_library(folder: str) -> ctypes.CDLL:
    """products.c with the package's own flags."""
    library = Path(folder) / "products.so"
    command = [os.environ.get("CC", "cc"), *flags(), "-Wno-psabi", "-shared", "-fPIC"]
    subprocess.run([*command, f"-I{HEADERS}", HERE / "products.c", "-o", library], check=True)
    return ctypes.CDLL(str(library))


def blas_function(name: str) -> ctypes.c_void_p:
    """SciPy's, as C calls it."""
    capsule = cython_blas.__pyx_capi__[name]
    api = ctypes.pythonapi
    api.PyCapsule_GetName.restype = ctypes.c_char_p
    api.PyCapsule_GetName.argtypes = [ctypes.py_object]
    api.PyCapsule_GetPointer.restype = ctypes.c_void_p
    api.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    pointer = api.PyCapsule_GetPointer(capsule, api.PyCapsule_GetName(capsule))
    return ctypes.c_void_p(pointer)


class Measurements:
    """The library, and the instruction set that its products use."""

    def __init__(self, library: ctypes.CDLL, instruction_set: str):
        self.library, self.name = library, instruction_set

    def peak(self, real: str) -> float:
        """Operations a second in registers."""
        kind = ctypes.c_float if real == "float" else ctypes.c_double
        function = getattr(self.library, f"peak_{real}_{self.name}")
        function.restype = ctypes.c_double
        return function(ctypes.c_long(PEAK_REPEATS), kind(0.5), ctypes.byref(kind()))

    def figure(self, product: Product, real: str) -> Figure:
        """The best of many times, of ours and of BLAS, in turn."""
        m, n, k = product.m, product.n, product.k
        rng = np.random.default_rng(0)
        a, b, c = (rng.random(size, REALS[real]) for size in (m * k, k * n, m * n))
        c *= 0
        sizes = (ctypes.c_ssize_t(m), ctypes.c_ssize_t(n), ctypes.c_ssize_t(k))
        small_sizes = (ctypes.c_int(m), ctypes.c_int(n), ctypes.c_int(k))
        arrays = [ctypes.c_void_p(x.ctypes.data) for x in (a, b, c)]
        ours = getattr(self.library, f"ours_{real}")
        blas = getattr(self.library, f"blas_{real}")
        ours.restype = blas.restype = ctypes.c_double
        operations = 2 * m * n * k
        peak = self.peak(real)
        repeats = int(SECONDS * peak / operations) + 1
        chosen = INSTRUCTION_SETS.index(self.name)
        gemm = blas_function(BLAS[real])
        best_ours = best_blas = float("inf")
        for _ in range(ROUNDS):
            count = ctypes.c_long(repeats)
            best_ours = min(best_ours, ours(chosen, product.transposed, *sizes, count, *arrays))
            c[:] = 0
            best_blas = min(
                best_blas, blas(gemm, product.transposed, *small_sizes, count, *arrays)
            )
            c[:] = 0
        total = operations * repeats
        peak = max(peak, self.peak(real))
        return Figure(product, real, total / best_ours, total / best_blas, peak)


def print_figures(figures: dict[str, Figure]) -> None:
    """A line: of every precision GFLOP/s, the share of the peak, and BLAS's."""
    parts = (
        f"{figure.ours / 1e9:6.1f} {figure.share:5.0%} {figure.blas / 1e9:6.1f}"
        for figure in figures.values()
    )
    print(f"  {next(iter(figures.values())).product} " + " |".join(parts), flush=True)


def targets(figures: Iterable[Figure]) -> list[Target]:
    """The least share of wide enough forward products and gradients, by batch."""
    found = []
    for batch, (goal, columns) in GOALS.items():
        shares = [
            figure.share
            for figure in figures
            if batch in (figure.product.m, figure.product.k)
            and figure.product.n >= columns
            and figure.product.what != "deltas"
        ]
        if shares:
            name = f"least share of the peak, {columns} columns or more, batches of {batch}"
            found.append(Target(name, goal, min(shares)))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--networks", nargs="+", default=NETWORKS)
    parser.add_argument("--batches", nargs="+", type=int, default=BATCHES)
    parser.add_argument("--instruction-set", choices=INSTRUCTION_SETS)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    pin(1)
    print_environment()
    with tempfile.TemporaryDirectory() as folder:
        library = compile_library(folder)
        best = INSTRUCTION_SETS[library.instruction_set()]
        measurements = Measurements(library, arguments.instruction_set or best)
        peaks = {real: max(measurements.peak(real) for _ in range(20)) for real in REALS}
        print(
            f"{measurements.name}; in registers "
            + ", ".join(f"{peak / 1e9:.1f} GFLOP/s in {real}" for real, peak in peaks.items())
        )
        print("product (m, n, k); float: GFLOP/s, share of the peak, BLAS's | double")
        figures: list[Figure] = []
        for network in arguments.networks:
            for batch in arguments.batches:
                print(f"{network}, batch {batch}")
                for product in products(network, batch):
                    line = {real: measurements.figure(product, real) for real in REALS}
                    print_figures(line)
                    figures += line.values()
    found = targets(figures)
    print(*found, sep="\n")
    write_json(arguments.json, [asdict(figure) for figure in figures], found, peaks=peaks)


if __name__ == "__main__":
    main()
