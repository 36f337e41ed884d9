"""The headers of the compiled functions, and the flags that the package compiles them with."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
HEADERS = ROOT / "skdigitnet/_core/c"


def flags() -> list[str]:
    """Those of the module that includes the headers."""
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    return next(
        module["extra-compile-args"]
        for module in setuptools["ext-modules"]
        if module["name"].endswith(".arithmetic")
    )
