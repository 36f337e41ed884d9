"""What is added is complete: in every place that CONTRIBUTING.md lists for it."""

import inspect
import re
import shlex
import shutil
import subprocess
import sysconfig
import tomllib
from pathlib import Path

import pandas as pd
import pytest
import reference
from sklearn.datasets import load_iris
from sklearn.utils._param_validation import StrOptions

from skdigitnet import BackpropMLPClassifier, onnx
from skdigitnet._core.plan import ACTIVATIONS, OUTPUT_LOSSES
from skdigitnet._core.runs import UPDATE_RULES
from skdigitnet._training.auto import LEARNING_RATES
from skdigitnet._training.fitting import SOLVERS
from skdigitnet._training.schedules import SCHEDULES
from skdigitnet._training.sgd import StochasticSolver
from skdigitnet.model_selection import EpochGridSearchCV, EpochRandomizedSearchCV

ROOT = Path(__file__).resolve().parents[2]
CONSTRAINTS = BackpropMLPClassifier._parameter_constraints


def tables(page):
    """The rows of a page's tables, each a list of the code in every cell."""
    lines = (ROOT / "docs" / page).read_text(encoding="utf-8").splitlines()
    return [
        [re.findall(r"`([^`]+)`", cell) for cell in line.split("|")[1:-1]]
        for line in lines
        if line.startswith("|")
    ]


def entries(documented, section):
    """The entries of a section of a numpydoc docstring, by name."""
    text = inspect.getdoc(documented)
    *_, body = re.split(rf"^{section}\n-+\n", text, flags=re.M)
    body = re.split(r"\n\n\S.*\n--", body)[0] + "\n"
    found = {}
    for head, entry in re.findall(r"^(\S.*?) :(.*\n(?:(?: .*)?\n)*)", body, re.M):
        found |= dict.fromkeys(head.split(", "), entry)
    return found


# The list


def test_the_list_names_what_there_is():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (section,) = re.findall(r"^## Where would you add\n(.*?)^## ", text, re.M | re.S)
    items = re.split(r"^- ", section, flags=re.M)[1:]
    assert len(items) > 10
    for item in items:
        codes = set(re.findall(r"`([^`]+)`", " ".join(item.split())))
        paths = {code for code in codes if "/" in code or code.endswith(".py")}
        files = [
            ROOT / ("" if p.startswith(("docs/", "tests/")) else "skdigitnet") / p
            for p in paths
        ]
        assert [file for file in files if not file.exists()] == []
        found = [f for file in files for f in (file.glob("*.p*") if file.is_dir() else [file])]
        content = "".join(file.read_text(encoding="utf-8") for file in found)
        assert [name for name in codes - paths if name not in content] == []


# Tables


def test_activations():
    assert ACTIVATIONS.keys() == reference.ACTIVATIONS.keys() == reference.DERIVATIVES.keys()
    assert ACTIVATIONS.keys() == onnx.ACTIVATIONS.keys() | {"identity"}
    documented = {row[0][0] for row in tables("objective.md") if len(row) == 3 and row[0]}
    assert ACTIVATIONS.keys() <= documented


def test_losses():
    assert OUTPUT_LOSSES.keys() == reference.LOSSES.keys()
    page = (ROOT / "docs" / "objective.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `(\w+)` \| (\w+) \|", page, re.M))
    assert OUTPUT_LOSSES.keys() == documented - {("loss", "outputs")}


def test_solvers():
    header, *_ = tables("solvers.md")
    assert {f'"{name}"' for name in SOLVERS} == {code for cell in header for code in cell}


def test_learning_rates_of_every_stochastic_solver_and_activation():
    stochastic = {name for name, kind in SOLVERS.items() if kind is StochasticSolver}
    assert LEARNING_RATES.keys() == stochastic
    for rates in LEARNING_RATES.values():
        assert rates.keys() == ACTIVATIONS.keys()


def test_every_update_rule_is_used():
    parameters = BackpropMLPClassifier().get_params()
    fields = {
        name: parameters.get(name) for name in inspect.signature(StochasticSolver).parameters
    }
    used = {
        StochasticSolver(
            **{**fields, "solver": name, "momentum": mu, "nesterovs_momentum": nesterovs}
        ).update_rule
        for name in LEARNING_RATES
        for mu in (0.0, 0.9)
        for nesterovs in (False, True)
    }
    assert used == UPDATE_RULES.keys()


def test_schedules():
    rows = tables("objective.md")
    assert SCHEDULES.keys() <= {code for row in rows if len(row) == 3 for code in row[0]}


# Docstrings


@pytest.mark.parametrize("name", sorted(CONSTRAINTS))
def test_parameters_and_their_values_are_documented(name):
    entry = entries(BackpropMLPClassifier, "Parameters")[name]
    default = inspect.signature(BackpropMLPClassifier).parameters[name].default
    assert re.search(r"default=|default ", entry), default
    options = [kind.options for kind in CONSTRAINTS[name] if isinstance(kind, StrOptions)]
    for option in options[0] if options and name != "scoring" else ():
        assert f'"{option}"' in entry


@pytest.mark.parametrize("name", sorted(CONSTRAINTS))
def test_parameters_are_in_the_table_of_solvers_or_concern_the_problem(name):
    of_the_problem = {
        "hidden_layer_sizes", "activation", "solver", "loss", "output_activation",
        "weight_init", "class_weight", "n_jobs",
    }  # fmt: skip
    in_table = {code for row in tables("solvers.md") if len(row) == 4 for code in row[0]}
    assert (name in in_table) != (name in of_the_problem)


@pytest.mark.parametrize("method", ["fit", "partial_fit", "predict", "score", "save_weights"])
def test_arguments_are_documented(method):
    function = getattr(BackpropMLPClassifier, method)
    arguments = list(inspect.signature(function).parameters)
    assert list(entries(function, "Parameters")) == arguments[1:]


@pytest.mark.parametrize("search", [EpochGridSearchCV, EpochRandomizedSearchCV])
def test_parameters_of_searches_are_documented(search):
    parameters = list(inspect.signature(search).parameters)
    assert list(entries(search, "Parameters")) == parameters
    assert "%(" not in search.__doc__


@pytest.mark.parametrize("early_stopping", [False, True])
def test_published_attributes_are_documented(early_stopping):
    X, y = load_iris(return_X_y=True)
    clf = BackpropMLPClassifier(
        max_iter=100,
        n_iter_no_change=float("inf"),
        early_stopping=early_stopping,
        random_state=0,  # of 400 seeds eight learn nothing of unscaled iris, and say so
    ).fit(pd.DataFrame(X, columns=list("abcd")), y)
    published = [name for name in vars(clf) if name.endswith("_") and name[0] != "_"]
    assert sorted(entries(BackpropMLPClassifier, "Attributes")) == sorted(published)


# The compiler


@pytest.mark.parametrize(
    ("enum", "user"), [("function.h", "elementwise.h"), ("update_rule.h", "updates.h")]
)
def test_a_kind_without_its_own_case_does_not_compile(enum, user, tmp_path):
    compiler = shlex.split(sysconfig.get_config_var("CC") or "cc")
    if shutil.which(compiler[0]) is None:
        pytest.skip("without a C compiler")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    (arguments,) = (
        module["extra-compile-args"]
        for module in project["tool"]["setuptools"]["ext-modules"]
        if module["name"] == "skdigitnet._core.arithmetic"
    )
    folder = shutil.copytree(ROOT / "skdigitnet" / "_core" / "c", tmp_path / "c")

    def errors():
        # -Wall is among Python's own flags, and changes the name of the warning
        flags = ["-fsyntax-only", "-Wall", "-Wno-unused", "-x", "c", "-"]
        command = [*compiler, *arguments, *flags]
        source = f'#include "{folder}/{user}"\n'
        return subprocess.run(
            command, input=source, capture_output=True, text=True, check=False
        )

    assert errors().returncode == 0, errors().stderr
    declaration = re.sub(r" } (?=\w+;)", ", FORGOTTEN } ", (folder / enum).read_text(), count=1)
    (folder / enum).write_text(declaration)
    assert errors().returncode != 0
    assert "FORGOTTEN" in errors().stderr
