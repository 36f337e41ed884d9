"""Imports within the package run downward, and never in a circle."""

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import skdigitnet

PACKAGE = Path(skdigitnet.__file__).parent
# from the top: each may import its own and those below
LAYERS = (
    {"model_selection", "datasets", "plotting", "dask"},
    {"_classifier", "callbacks", "onnx"},
    {"_training"},
    {"_problem"},
    {"_core"},
    {"_system"},
)
MODULES = {
    ".".join(("skdigitnet", *path.relative_to(PACKAGE).with_suffix("").parts)): path
    for path in PACKAGE.rglob("*.py")
}


def imported_by(path):
    """The package's modules that a file imports, at its top or in a function."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            of_modules = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name in MODULES else node.module for name in of_modules]
        else:
            continue
        yield from (name for name in names if name.split(".")[0] == "skdigitnet")


def layer_of(module):
    """Its number, from 0 at the top."""
    (number,) = (i for i, names in enumerate(LAYERS) if module.split(".")[1] in names)
    return number


@pytest.mark.parametrize("module", sorted(MODULES.keys() - {"skdigitnet.__init__"}))
def test_a_module_imports_its_own_layer_and_those_below(module):
    upward = [
        name
        for name in imported_by(MODULES[module])
        if name == "skdigitnet" or layer_of(name) < layer_of(module)
    ]
    assert upward == []


def test_no_imports_go_in_a_circle():
    graph = {module: set(imported_by(path)) for module, path in MODULES.items()}
    assert len(list(TopologicalSorter(graph).static_order())) >= len(MODULES)


@pytest.mark.parametrize("module", sorted(MODULES))
def test_no_lock_of_a_cached_property_can_be_found_taken_by_a_fork(module):
    """In Python 3.11 one lock serves a property of all objects, while it is computed."""
    assert not re.search(r"@(functools\.)?cached_property", MODULES[module].read_text())
