"""The data sets of defaults.py: DATA_SETS by name, and load(name), which gives (X, y).

    from defaults_data import DATA_SETS, load
    for name, data_set in DATA_SETS.items():
        if data_set.missing() is None:
            X, y = load(name)

X is dense float64, float32 for MNIST, and y has the classes 0, 1, ...; both are the same
in every call. The groups are "generated" (drawn, with a seed made of the name), "sklearn"
(the real sets of scikit-learn), "keel" and "pydataset" (packages that need not be there,
see defaults_packages.py), and "mnist" (needs SKDIGITNET_MNIST, see data.py; the parts have
no image in common, but are all in the whole).

Halves, fixed before any setting was tried: the sets of a kind, in order of their rows and
then of their names, are in turn for choosing settings ("choose") and for reporting what
the chosen ones give ("report"). The kind is the group, and of those generated the name up
to the first hyphen; of these kinds, in order of their names, every second one begins with
"report". So both halves have as many of each group and kind, small and large.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from zlib import crc32

import defaults_generators as draw
import numpy as np
from data import mnist, mnist_folder
from defaults_packages import PACKAGES, installed, keel, r_table
from sklearn import datasets

HALVES = ("choose", "report")
GROUPS = ("generated", "sklearn", "keel", "pydataset", "mnist")


@dataclass(frozen=True)
class DataSet:
    """A data set: ``build`` makes X, with this many rows, and y."""

    name: str
    group: str
    half: str
    rows: int
    build: Callable[[], tuple[np.ndarray, np.ndarray]]

    def missing(self) -> str | None:
        """What the set needs and is not there, in words; None if it can be built."""
        if self.group in PACKAGES and not installed(self.group):
            return f"the package {PACKAGES[self.group]}, and pandas"
        if self.group == "mnist" and mnist_folder() is None:
            return "SKDIGITNET_MNIST"
        return None


def generated() -> dict[str, tuple[int, Callable]]:
    """Rows and builders by name, "what-rows" or "what-rows-difference"."""
    blob = partial(draw.blobs, spread=1.0)
    three = partial(draw.clusters, n_informative=5, n_classes=3)
    many = partial(draw.clusters, n_informative=10, n_classes=10)
    rules: dict[str, Callable] = {
        "circles-200": partial(draw.circles, noise=0.05),
        "circles-1000": partial(draw.circles, noise=0.2),
        "circles-5000": partial(draw.circles, noise=0.1),
        "circles-20000": partial(draw.circles, noise=0.2),
        "moons-100": partial(draw.moons, noise=0.1),
        "moons-500": partial(draw.moons, noise=0.3),
        "moons-2000": partial(draw.moons, noise=0.1),
        "moons-10000": partial(draw.moons, noise=0.3),
        "xor-200": draw.xor,
        "xor-1000": draw.xor,
        "xor-1000-flipped": partial(draw.xor, flipped=0.1),
        "xor-3000-useless": partial(draw.xor, useless=8),
        "xor-20000": partial(draw.xor, flipped=0.05, useless=4),
        "quantiles-500": partial(draw.quantiles, features=2, classes=3),
        "quantiles-2000": partial(draw.quantiles, features=10, classes=2),
        "quantiles-10000": partial(draw.quantiles, features=5, classes=5),
        "hastie-2000": draw.hastie,
        "hastie-12000": draw.hastie,
        "parity-200": draw.parity,
        "parity-1000": partial(draw.parity, flipped=0.05),
        "parity-4000-useless": partial(draw.parity, useless=6),
        "clusters-100": partial(draw.clusters, features=20),
        "clusters-300-wide": partial(draw.clusters, features=300, n_informative=10),
        "clusters-500-three": partial(three, features=10),
        "clusters-1000": partial(draw.clusters, features=20),
        "clusters-1000-flipped": partial(draw.clusters, features=20, flip_y=0.4),
        "clusters-2000-imbalanced": partial(draw.clusters, features=10, weights=[0.9]),
        "clusters-3000-three": partial(three, features=20, class_sep=0.5),
        "clusters-5000-ten": partial(many, features=30, n_clusters_per_class=1),
        "clusters-8000-imbalanced": partial(draw.clusters, features=20, weights=[0.98]),
        "clusters-15000": partial(draw.clusters, features=50, n_informative=20),
        "blobs-300": partial(blob, features=2, classes=3),
        "blobs-1500": partial(blob, features=10, classes=8),
        "blobs-6000": partial(draw.blobs, features=3, classes=12, spread=3.0),
        "spirals-300": partial(draw.spirals, arms=2, turns=1, noise=0.02),
        "spirals-1500-three": partial(draw.spirals, arms=3, turns=1, noise=0.05),
        "spirals-6000": partial(draw.spirals, arms=2, turns=2, noise=0.02),
        "checkerboard-1000": partial(draw.checkerboard, squares=3),
        "checkerboard-4000": partial(draw.checkerboard, squares=4, flipped=0.05),
        "checkerboard-10000": partial(draw.checkerboard, squares=6),
        "linear-150": partial(draw.linear, features=5),
        "linear-1000-noisy": partial(draw.linear, features=10, slope=2.0),
        "linear-3000": partial(draw.linear, features=50),
        "linear-20000-noisy": partial(draw.linear, features=20, slope=3.0),
        "rare-2000": partial(draw.rare, share=0.05),
        "rare-10000": partial(draw.rare, share=0.02),
        "waves-800-three": partial(draw.waves, classes=3, features=2),
        "waves-5000": partial(draw.waves, classes=2, features=6),
        "skewed-700": partial(draw.skewed, features=6),
        "skewed-7000": partial(draw.skewed, features=10),
        "categories-400": partial(draw.categories, columns=6, levels=4),
        "categories-4000": partial(draw.categories, columns=12, levels=6),
    }
    found = {}
    for name, rule in rules.items():
        rows = int(name.split("-")[1])
        found[name] = rows, partial(rule, rows, crc32(name.encode()))
    return found


def of_sklearn() -> dict[str, tuple[int, Callable]]:
    return {
        "iris": (150, partial(datasets.load_iris, return_X_y=True)),
        "wine": (178, partial(datasets.load_wine, return_X_y=True)),
        "breast_cancer": (569, partial(datasets.load_breast_cancer, return_X_y=True)),
        "digits": (1797, partial(datasets.load_digits, return_X_y=True)),
    }


# rows by name; left out are those of scikit-learn, and files whose numbers lost their point
KEEL_BALANCED = {
    "banana": 5300, "bands": 365, "breast": 277, "bupa": 345, "chess": 3196,
    "contraceptive": 1473, "german": 1000, "heart": 270, "ionosphere": 351,
    "led7digit": 500, "letter": 20000, "magic": 19020, "mammographic": 830,
    "marketing": 6876, "monk-2": 432, "movement_libras": 360, "mushroom": 5644,
    "penbased": 10992, "phoneme": 5404, "pima": 768, "satimage": 6435, "segment": 2310,
    "sonar": 208, "spambase": 4597, "splice": 3190, "texture": 5500, "tic-tac-toe": 958,
    "vehicle": 846, "vowel": 990,
}  # fmt: skip
KEEL_IMBALANCED = {
    "abalone19": 4174, "car-good": 1728, "glass1": 214, "page-blocks0": 5472, "yeast3": 1484,
}  # fmt: skip


def of_keel() -> dict[str, tuple[int, Callable]]:
    balanced = {name: (rows, partial(keel, name)) for name, rows in KEEL_BALANCED.items()}
    imbalanced = {
        name: (rows, partial(keel, name, "imbalanced"))
        for name, rows in KEEL_IMBALANCED.items()
    }
    return balanced | imbalanced


def of_pydataset() -> dict[str, tuple[int, Callable]]:
    """Tables without what numbers or repeats a row, or tells the class.

    ``rows`` are those without a missing value.
    """
    return {
        "biopsy": (683, partial(r_table, "MASS/biopsy", "class", drop=["ID"])),
        "crabs": (200, partial(r_table, "MASS/crabs", "sp", drop=["index"])),
        "fgl": (214, partial(r_table, "MASS/fgl", "type")),
        "birthwt": (
            189,
            partial(r_table, "MASS/birthwt", "low", drop=["bwt"], categorical=["race"]),
        ),
        "diamonds": (10000, partial(r_table, "ggplot2/diamonds", "cut", sample=10000)),
        "Chile": (2431, partial(r_table, "car/Chile", "vote")),
        "Fishing": (
            1182,
            # price and catch are those of the mode that was chosen
            partial(r_table, "Ecdat/Fishing", "mode", drop=["price", "catch"]),
        ),
        "Mode": (453, partial(r_table, "Ecdat/Mode", "choice")),
        "Catsup": (2798, partial(r_table, "Ecdat/Catsup", "choice", drop=["id"])),
        "Yogurt": (2412, partial(r_table, "Ecdat/Yogurt", "choice", drop=["id"])),
        "DoctorAUS": (5190, partial(r_table, "Ecdat/DoctorAUS", "insurance")),
        "Hdma": (2380, partial(r_table, "Ecdat/Hdma", "deny")),
        "Heating": (900, partial(r_table, "Ecdat/Heating", "depvar", drop=["idcase"])),
        "Mroz": (
            753,
            # hours and wages are zero for those who do not work
            partial(r_table, "Ecdat/Mroz", "work", drop=["hoursw", "hearnw", "wagew"]),
        ),
        "Participation": (872, partial(r_table, "Ecdat/Participation", "lfp")),
        "Computers": (6259, partial(r_table, "Ecdat/Computers", "premium")),
        "Kakadu": (
            1827,
            # the bounds are the answer in other words
            partial(r_table, "Ecdat/Kakadu", "answer", drop=["lower", "upper"]),
        ),
        "Treatment": (2675, partial(r_table, "Ecdat/Treatment", "treat")),
        "Workinghours": (3382, partial(r_table, "Ecdat/Workinghours", "occupation")),
        "titanic": (1316, partial(r_table, "COUNT/titanic", "survived")),
        "medpar": (
            1495,
            partial(
                r_table,
                "COUNT/medpar",
                "died",
                drop=["provnum", "type1", "type2", "type3"],
                categorical=["type"],
            ),
        ),
        "rwm1984": (
            3874,
            partial(
                r_table,
                "COUNT/rwm1984",
                "outwork",
                drop=["edlevel1", "edlevel2", "edlevel3", "edlevel4"],
            ),
        ),
        "mexico": (1359, partial(r_table, "Zelig/mexico", "vote88", drop=["one"])),
        "VerbAgg": (
            7584,
            # r2 is the response with two of its three levels joined
            partial(r_table, "lme4/VerbAgg", "resp", drop=["id", "r2"]),
        ),
        "nwtco": (
            4028,
            # edrel is the time to a relapse or to the end of the study
            partial(r_table, "survival/nwtco", "rel", drop=["seqno", "edrel"]),
        ),
    }


def images(begin: int, end: int) -> tuple[np.ndarray, np.ndarray]:
    """Training images of MNIST, with pixels from 0 to 1."""
    X, y = mnist("train")
    return X[begin:end], y[begin:end]


def of_mnist() -> dict[str, tuple[int, Callable]]:
    parts = {"mnist-1000": 0, "mnist-5000": 1000, "mnist-20000": 6000, "mnist-60000": 0}
    found = {}
    for name, begin in parts.items():
        rows = int(name.split("-")[1])
        found[name] = rows, partial(images, begin, begin + rows)
    return found


def in_halves() -> dict[str, DataSet]:
    """Every set by name, in the half that the rule above says."""
    found = {}
    groups = (generated(), of_sklearn(), of_keel(), of_pydataset(), of_mnist())
    for group, members in zip(GROUPS, groups, strict=True):
        kinds: dict[str, list[str]] = {}
        for name in members:
            kind = name.split("-")[0] if group == "generated" else group
            kinds.setdefault(kind, []).append(name)
        for begin, kind in enumerate(sorted(kinds)):
            in_order = sorted(kinds[kind], key=lambda name: (members[name][0], name))
            for number, name in enumerate(in_order, begin):
                found[name] = DataSet(name, group, HALVES[number % 2], *members[name])
    return found


DATA_SETS = in_halves()


@cache
def load(name: str) -> tuple[np.ndarray, np.ndarray]:
    """X and y of a set; ``DATA_SETS[name].missing()`` says if it can be loaded."""
    return DATA_SETS[name].build()
