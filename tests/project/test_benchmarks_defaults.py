"""The benchmark of default settings: its data sets, their halves, and what it writes."""

import json
import os
import subprocess
import sys
from collections import defaultdict
from zlib import crc32

import numpy as np
import pytest
from paths import TESTS

BENCHMARKS = TESTS / "benchmarks"
sys.path.append(str(BENCHMARKS))

import defaults  # noqa: E402, the path comes first
from defaults_data import DATA_SETS, GROUPS, HALVES, load  # noqa: E402
from defaults_page import BEGIN, END, write_page  # noqa: E402

SMALL = [name for name, data_set in DATA_SETS.items() if data_set.rows <= 6000]
# but for MNIST, which is read and not drawn, and takes seconds
HERE = [
    name
    for name in SMALL
    if DATA_SETS[name].missing() is None and DATA_SETS[name].group != "mnist"
]
PRINT_FINGERPRINTS = """
import json, sys
from defaults import fingerprint, load
print(json.dumps({name: fingerprint(*load(name)) for name in sys.argv[1:]}))
"""


@pytest.mark.parametrize("name", SMALL)
def test_a_set_has_the_rows_that_are_stated(name):
    if needed := DATA_SETS[name].missing():
        pytest.skip(f"needs {needed}")
    X, y = load(name)
    assert len(X) == len(y) == DATA_SETS[name].rows
    assert X.dtype == (np.float32 if DATA_SETS[name].group == "mnist" else np.float64)
    assert np.isfinite(X).all()
    counts = np.bincount(y)
    assert len(counts) >= 2
    # a row of every class in every fold
    assert counts.min() >= 5


def test_a_set_is_the_same_in_every_process():
    script = [sys.executable, "-c", PRINT_FINGERPRINTS, *HERE]
    environment = {**os.environ, "PYTHONHASHSEED": "1", "PYTHONPATH": str(BENCHMARKS)}
    printed = subprocess.run(script, env=environment, capture_output=True, check=True).stdout
    assert json.loads(printed) == {name: defaults.fingerprint(*load(name)) for name in HERE}


def test_halves_have_every_second_set_of_each_kind():
    kinds = defaultdict(lambda: defaultdict(list))
    for s in DATA_SETS.values():
        kind = s.name.split("-")[0] if s.group == "generated" else s.group
        kinds[s.group][kind].append(s)
    assert set(kinds) == set(GROUPS)
    for of_group in kinds.values():
        for begin, kind in enumerate(sorted(of_group)):
            in_order = sorted(of_group[kind], key=lambda s: (s.rows, s.name))
            expected = [HALVES[(begin + i) % 2] for i in range(len(in_order))]
            assert [s.half for s in in_order] == expected


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("real", [False, True])
def test_both_halves_have_small_and_large_sets(half, real):
    rows = [
        s.rows
        for s in DATA_SETS.values()
        if s.half == half and (s.group != "generated") == real
    ]
    assert len(rows) >= 20
    assert min(rows) <= 200
    assert sorted(rows)[-3] >= 10_000


def test_no_set_has_changed_halves():
    # A set that settings were chosen on says nothing about them, so a new set may not move
    # an old one to the other half.
    to_choose = sorted(s.name for s in DATA_SETS.values() if s.half == "choose")
    assert crc32(" ".join(to_choose).encode()) == 2093918290


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("", {}),
        ("solver=adam", {"solver": "adam"}),
        (
            "hidden_layer_sizes=(50, 20),alpha=1e-3,early_stopping=True",
            {"hidden_layer_sizes": (50, 20), "alpha": 1e-3, "early_stopping": True},
        ),
    ],
)
def test_settings_are_read(text, settings):
    assert defaults.parse_settings(text) == settings


def test_what_a_fit_did_is_told():
    flat = defaults.measure("xor-200", defaults.OURS, {"max_iter": 1}, scaled=True)
    assert len(flat["folds"]) == 5
    for fold in flat["folds"]:
        assert fold["warnings"] == {"ConvergenceWarning": 1}
        assert fold["n_iter"] == 1
        assert not fold["learned"]
    good = defaults.measure("iris", defaults.LOGISTIC, {}, scaled=True)
    for fold in good["folds"]:
        assert fold["warnings"] == {}
        assert fold["learned"]
        assert fold["accuracy"] > 0.8
        assert fold["constant_loss"] == pytest.approx(np.log(3))


def test_a_fit_that_fails_counts_as_zero():
    failed = defaults.measure("iris", defaults.OURS, {"alpha": -1.0}, scaled=True)
    for fold in failed["folds"]:
        assert fold["accuracy"] == 0
        assert "alpha" in fold["error"]


def known(name, data):
    """A result of LogisticRegression that no measurement would give."""
    result = defaults.measure(name, defaults.LOGISTIC, {}, scaled=True)
    for fold in result["folds"]:
        fold["accuracy"] = 0.123
    return {**result, "data": data}


def test_run_takes_peers_from_a_file_and_fills_a_page(tmp_path):
    ours, peers, page = (tmp_path / name for name in ("ours.json", "peers.json", "page.md"))
    same = known("iris", defaults.fingerprint(*load("iris")))
    other_data = known("wine", 0)
    peers.write_text(json.dumps({"results": [same, other_data]}))
    files = ["--json", ours, "--peers-json", peers]
    run = [sys.executable, BENCHMARKS / "defaults.py", *files, "--sets", "iris,wine"]
    run += ["--peers", defaults.LOGISTIC]
    printed = subprocess.run(run, capture_output=True, text=True, check=True).stdout
    assert printed.count("12.30%") == 1
    assert f"{defaults.OURS}, 1 sets" in printed

    page.write_text(f"Before.\n{BEGIN}\nstale\n{END}\nAfter.\n")
    write_page(page, json.loads(ours.read_text()), json.loads(peers.read_text()))
    text = page.read_text()
    assert text.startswith(f"Before.\n{BEGIN}\n")
    assert text.endswith(f"{END}\nAfter.\n")
    assert "stale" not in text
    row = next(line for line in text.splitlines() if line.startswith("| `iris` |"))
    assert row.split(" | ")[1] == "150 x 4, 3"
    assert row.split(" | ")[3] == "12.3"
    assert next(s for s in text.splitlines() if s.startswith("| `wine` |")).count("12.3") == 0
