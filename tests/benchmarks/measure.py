"""Times, ratios and targets, and where they were measured."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from threadpoolctl import threadpool_info

PACKAGES = (
    "skdigitnet", "scikit-learn", "numpy", "scipy", "torch", "jax", "skorch", "pytabkit",
)  # fmt: skip
PEAK = Path("/proc/self/clear_refs")
CAN_MEASURE_MEMORY = PEAK.exists()  # Linux


@dataclass(frozen=True)
class Spread:
    """The median of some values, with the smallest and the largest."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(statistics.median(values), min(values), max(values))

    @classmethod
    def of_ratios(cls, pairs: Sequence[tuple[float, float]]) -> Spread:
        """Of theirs divided by ours, for pairs (ours, theirs)."""
        return cls.of([theirs / ours for ours, theirs in pairs])

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.low:.2f}-{self.high:.2f})"


@dataclass(frozen=True)
class Target:
    """A figure that was to be reached: at least the goal, or at most with ``at_most``."""

    name: str
    goal: float
    reached: float
    at_most: bool = False

    @property
    def met(self) -> bool:
        return self.reached <= self.goal if self.at_most else self.reached >= self.goal

    def __str__(self) -> str:
        side = "at most" if self.at_most else "at least"
        verdict = "met" if self.met else "fell short"
        return f"{self.name}: {side} {self.goal:.4g}, {self.reached:.4g} here: {verdict}"


def seconds_of(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def seconds_of_both(
    ours: Callable[[], object], theirs: Callable[[], object], *, ours_begins: bool
) -> tuple[float, float]:
    """Seconds of ours and theirs, run one after the other."""
    if ours_begins:
        return seconds_of(ours), seconds_of(theirs)
    their_seconds = seconds_of(theirs)
    return seconds_of(ours), their_seconds


def in_turn(ours: Callable, theirs: Callable, repeats: int) -> list[tuple[float, float]]:
    """Seconds of both, repeatedly; who begins alternates."""
    return [seconds_of_both(ours, theirs, ours_begins=i % 2 == 0) for i in range(repeats)]


def memory_of(function: Callable[[], object]) -> int:
    """Bytes at the peak of a call in this process, beyond what it held before."""
    before = memory_kilobytes("VmRSS")
    PEAK.write_text("5")  # the peak begins anew
    function()
    return 1024 * (memory_kilobytes("VmHWM") - before)


def memory_kilobytes(which: str) -> int:
    """VmRSS, what this process holds, or VmHWM, its peak."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(which):
            return int(line.split()[1])
    raise RuntimeError(f"{which} is not in /proc/self/status")


def format_seconds(seconds: float) -> str:
    if seconds < 1e-3:
        return f"{seconds * 1e6:.0f} us"
    if seconds < 1:
        return f"{seconds * 1e3:.3g} ms"
    return f"{seconds:.2f} s"


def environment() -> dict[str, str]:
    """The machine and the versions, without a name or a path of the machine."""
    blas = {
        f"{info['internal_api']} {info['version']} for {info.get('architecture', '?')}"
        for info in threadpool_info()
        if info["user_api"] == "blas"
    }
    return {
        "date": date.today().isoformat(),
        "commit": commit(),
        "processor": processor(),
        "cores": str(os.cpu_count()),
        "python": platform.python_version(),
        **{name: found for name in PACKAGES if (found := version_of(name))},
        **({"BLAS": ", ".join(sorted(blas))} if blas else {}),
    }


def version_of(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def commit() -> str:
    """Of the checkout that this script is in, with a word if files differ from it."""
    here = Path(__file__).parent
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty=, with changes", "--exclude=*"],
            cwd=here,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return described.stdout.strip()


def processor() -> str:
    """The processor's name, family and widest vector instructions."""
    try:
        lines = Path("/proc/cpuinfo").read_text().split("\n\n")[0].splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    facts = {key.strip(): value.strip() for key, _, value in (s.partition(":") for s in lines)}
    if "model name" not in facts:
        return platform.machine()
    flags = facts.get("flags", "").split()
    vectors = next((name for name in ("avx512f", "avx2") if name in flags), "no AVX2")
    where = f"family {facts.get('cpu family')}, model {facts.get('model')}, {vectors}"
    return f"{facts['model name']} ({where})"


def check_can_plot(path: Path | None) -> None:
    """Before anything is measured: end, with a word, if a picture is asked for in vain."""
    if path is not None and find_spec("matplotlib") is None:
        raise SystemExit("--plot needs matplotlib, which is not installed.")


def print_environment() -> None:
    print(", ".join(f"{name} {value}" for name, value in environment().items()))


def write_json(path: Path | None, results, targets: Sequence[Target], **more) -> None:
    """Write what a script measured where ``report.py`` reads it; nothing without a path."""
    if path is None:
        return
    content = {
        "environment": environment(),
        **more,
        "results": results,
        "targets": [{**asdict(target), "met": target.met} for target in targets],
    }
    path.write_text(json.dumps(content, indent=1))
