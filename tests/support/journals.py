"""What tests of journals run in child processes."""

import functools

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.metrics import get_scorer, get_scorer_names
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdigitnet import BackpropMLPClassifier
from skdigitnet.model_selection._identity import StudyKey, _digest, cell_key, study_key
from skdigitnet.model_selection._journal import Journal


def accuracy(estimator, X, y):
    return float((estimator.predict(X) == y).mean())


def keys():
    """What a process takes everything for that has a key."""
    frame = pd.DataFrame({"a": pd.Categorical(["x", "y"]), "b": ["s", None], "c": [1, 2.5]})
    net = BackpropMLPClassifier(random_state=0)
    columns = [("scaled", StandardScaler(), ["b"]), ("left", "drop", slice(0, 1))]
    values = [
        {"a", "b", "c", 1, None},
        frozenset("xyz"),
        {"b": {"c": 1}, "a": (1, 2.0)},
        frame,
        sparse.csr_array(np.eye(3)),
        np.array(["a", {"z", "y"}], dtype=object),
        {name: get_scorer(name) for name in get_scorer_names()},
        make_pipeline(PCA(random_state=0), ColumnTransformer(columns), net),
        SelectKBest(functools.partial(f_classif)),
        keys,
    ]
    y, scorers = np.array([0, 1]), {"b": accuracy, "a": get_scorer("f1")}
    study = study_key(frame, y, {"w": y}, [(y, y)], scorers, net)
    values += [study.parts, cell_key(study, {"loss": "log_loss", "alpha": np.float32(0.5)}, 1)]
    return [_digest(value).hex() for value in values]


def write_until_killed(path):
    """Append cells for ever and print the number of each that is done."""
    study, i = StudyKey({}), 0
    with Journal(path, study) as journal:
        i = len(journal)
        while True:
            journal.append(i.to_bytes(32, "big"), {"curve": np.full(500, i)}, {"number": i})
            print(i)
            i += 1
