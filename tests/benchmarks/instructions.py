"""How many instructions the compiled functions take on Arm, beside those with AVX2.

    python tests/benchmarks/instructions.py
    CC="clang" ARM_CC="clang --target=aarch64-linux-gnu" python tests/benchmarks/instructions.py

Counts every instruction of a call as QEMU executes it, on x86-64 with AVX2 and on 64-bit Arm
with NEON, whose vectors are half as wide: twice the instructions are what the width allows. A
star marks more than 1.3 times that, and more than 1.4 times is an error. A count says nothing
about time, but neither does it depend on how busy or how real the processor is.

It needs qemu-x86_64, qemu-aarch64, a compiler for each, in CC and ARM_CC (or cc and
aarch64-linux-gnu-gcc), and libraries to link statically. Compiles instructions.c beside this
file against the sources of a checkout.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from sources import HEADERS, flags

HERE = Path(__file__).parent
WIDTH = 2  # vectors of AVX2 are as many times as wide
GOAL, LIMIT = 1.3, 1.4
# (m, n, k) of products; of other functions m n is the number of elements
CALLS = {
    "forward": [(32, 100, 64), (10, 30, 64), (32, 25, 64), (200, 10, 30)],
    "gradient": [(64, 100, 32), (64, 30, 10), (30, 10, 10)],
    "sparse": [(32, 100, 64), (10, 30, 64)],
    "logistic": [(10, 100, 1)],
    "tanh": [(10, 100, 1)],
    "relu": [(10, 100, 1)],
    "exp": [(10, 100, 1)],
    "logistic'": [(10, 100, 1)],
    "tanh'": [(10, 100, 1)],
    "relu'": [(10, 100, 1)],
    "squared_norm": [(10, 100, 1)],
    "gradient_descent": [(10, 100, 1)],
    "momentum": [(10, 100, 1)],
    "nesterov": [(10, 100, 1)],
    "adam": [(10, 100, 1)],
}


@dataclass(frozen=True)
class Machine:
    """A processor that QEMU emulates, and a program for it."""

    emulator: tuple[str, ...]
    instruction_set: str
    program: Path

    def run(self, *arguments: object) -> int:
        """How many instructions a run of the program takes."""
        command = (*self.emulator, self.program, self.instruction_set, *map(str, arguments))
        with subprocess.Popen(command, stderr=subprocess.PIPE) as child:
            lines = sum(line.startswith(b"Trace ") for line in child.stderr)
        if child.returncode != 0:
            sys.exit(f"{shlex.join(map(str, command))} ended with {child.returncode}")
        return lines

    def count(self, function: str, real: str, shape: tuple[int, ...]) -> int:
        """The instructions of one call, without those of the program's beginning and end."""
        twice, once = (self.run(function, real, repeats, *shape) for repeats in (3, 2))
        return twice - once


def emulator(name: str, *options: str) -> tuple[str, ...]:
    """The command that writes a line for every instruction."""
    usage = subprocess.run([name, "-h"], capture_output=True, text=True, check=False).stdout
    single = next(option for option in ("-one-insn-per-tb", "-singlestep") if option in usage)
    return (name, *options, single, "-d", "exec,nochain")


def compile_program(compiler: str, program: Path) -> Path:
    """instructions.c with the package's own flags."""
    command = [*shlex.split(compiler), *flags(), "-Wno-psabi", "-static", f"-I{HEADERS}"]
    subprocess.run([*command, HERE / "instructions.c", "-o", program, "-lm"], check=True)
    return program


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        x86 = Machine(
            emulator("qemu-x86_64", "-cpu", "max"),
            "avx2",
            compile_program(os.environ.get("CC", "cc"), Path(folder) / "x86"),
        )
        arm_compiler = os.environ.get("ARM_CC", "aarch64-linux-gnu-gcc")
        arm = Machine(
            emulator("qemu-aarch64"),
            "neon",
            compile_program(arm_compiler, Path(folder) / "arm"),
        )
        print(
            f"{'function':16} {'m, n, k':>13} {'':6} {'AVX2':>8} {'NEON':>8}  ratio  of {WIDTH}"
        )
        worst = 0.0
        for real, (function, shapes) in product(("float", "double"), CALLS.items()):
            for shape in shapes:
                counts = [machine.count(function, real, shape) for machine in (x86, arm)]
                ratio = counts[1] / counts[0]
                worst = max(worst, ratio / WIDTH)
                where = ", ".join(map(str, shape))
                print(
                    f"{function:16} {where:>13} {real:6} {counts[0]:8} {counts[1]:8} "
                    f"{ratio:6.2f} {ratio / WIDTH:5.2f}{' *' if ratio / WIDTH > GOAL else ''}",
                    flush=True,
                )
    print(f"at most {worst:.2f} times what the width allows; {GOAL} is the goal")
    if worst > LIMIT:
        sys.exit(1)


if __name__ == "__main__":
    main()
