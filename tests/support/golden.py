"""Keeps small models in every form that this version has, for later ones to load.

    python tests/support/golden.py

It is run once for each release, after its version is set, with the versions of .ci/lowest.txt:
NumPy 1 cannot load a pickle that NumPy 2 has made. It writes a folder named after the version
into tests/golden, which test_golden.py loads from then on and nobody changes.
"""

import pickle
import sys
import warnings
import zipfile

import joblib
import numpy as np
import skops.io
from paths import TESTS
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning

from skdigitnet import BackpropMLPClassifier, __version__
from skdigitnet._training.checkpoint import write_state

GOLDEN = TESTS / "golden"
N_ROWS = 60
CHECKPOINT_KEY = "0" * 32


def rows():
    X, y = load_digits(return_X_y=True)
    return X[:N_ROWS] / 16, y[:N_ROWS]


def _fit(X, y, **parameters):
    defaults = {"hidden_layer_sizes": (4,), "max_iter": 20, "random_state": 0}
    return BackpropMLPClassifier(**{**defaults, **parameters}).fit(X, y)


def models(X, y):
    """A fitted model for each of the things that are kept differently."""
    strings = np.where(y < 5, "small", "large")
    several = np.column_stack([y < 5, y % 2, y > 7]).astype(int)
    identity = {"loss": "squared_error", "output_activation": "identity"}
    return {
        "sgd_float32": _fit(X.astype(np.float32), y, batch_size=20),
        "adam_multilabel": _fit(X, several, solver="adam", early_stopping=True),
        "lbfgs_strings": _fit(X, strings, solver="lbfgs", hidden_layer_sizes=(3, 3)),
        "identity_objects": _fit(X, strings.astype(object), **identity, activation="tanh"),
        "warm_start": _fit(X, y, warm_start=True, early_stopping=True, dropout=0.2, n_jobs=1),
    }


def save(clf, folder, name):
    """In every form, each with a name that ends in its own way."""
    (folder / f"{name}.pkl").write_bytes(pickle.dumps(clf, protocol=4))
    joblib.dump(clf, folder / f"{name}.joblib", compress=3)
    skops.io.dump(clf, folder / f"{name}.skops", compression=zipfile.ZIP_DEFLATED)
    clf.save_weights(folder / f"{name}.npz")


def outputs(clf, X):
    """The probabilities, or what the outputs are without any."""
    return clf.predict_proba(X) if hasattr(clf, "predict_proba") else clf.decision_function(X)


def make(folder):
    """Write the folder of this version, which must not exist."""
    folder.mkdir()
    X, y = rows()
    expected = {"X": X, "y": y}
    for name, clf in models(X, y).items():
        save(clf, folder, name)
        expected |= {f"{name}/labels": clf.predict(X).astype(str)}
        expected |= {f"{name}/outputs": outputs(clf, X)}
        if clf.warm_start:
            write_state(folder / "checkpoint.npz", clf._training_state, CHECKPOINT_KEY)
            # what is saved above goes on to
            expected |= {f"{name}/next_outputs": outputs(clf.fit(X, y), X)}
    np.savez_compressed(folder / "expected.npz", **expected)


def main():
    folder = GOLDEN / __version__
    if folder.exists():
        sys.exit(f"{folder} exists. A released version's models stay as they are.")
    warnings.simplefilter("ignore", ConvergenceWarning)
    make(folder)
    n_bytes = sum(path.stat().st_size for path in folder.iterdir())
    print(f"{folder}: {n_bytes / 1000:.0f} kB")


if __name__ == "__main__":
    main()
