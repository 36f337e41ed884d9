"""Small fits of every kind, whose bits every thread and every process has to agree on."""

import hashlib
import warnings

import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from skdigitnet import BackpropMLPClassifier

RNG = np.random.default_rng(0)
X = RNG.random((400, 60)) * (RNG.random((400, 60)) < 0.5)
y = RNG.integers(0, 5, 400)
unsorted = sparse.csr_array(X)
for begin, end in zip(unsorted.indptr, unsorted.indptr[1:], strict=False):
    for entries in (unsorted.data, unsorted.indices):
        entries[begin:end] = entries[begin:end][::-1].copy()
unsorted.has_sorted_indices = False
ROWS = {
    "dense": X,
    "float32": X.astype(np.float32),
    "sparse": sparse.csr_array(X),
    "unsorted": unsorted,
}
FITS = {
    "sgd": ("dense", {"solver": "sgd", "momentum": 0}),
    "nesterov": ("float32", {"solver": "sgd", "learning_rate": "adaptive"}),
    "adam": ("sparse", {"hidden_layer_sizes": (20, 10)}),
    "lbfgs": ("dense", {"solver": "lbfgs"}),
    "lbfgs, early stopping": ("sparse", {"solver": "lbfgs", "early_stopping": True}),
    "early stopping": ("unsorted", {"early_stopping": True, "scoring": "neg_log_loss"}),
    "dropout": ("float32", {"dropout": 0.3, "activation": "relu"}),
    "two threads": ("dense", {"hidden_layer_sizes": (80,), "batch_size": 200, "n_jobs": 2}),
    "two threads, sparse": (
        "sparse",
        {"hidden_layer_sizes": (160,), "batch_size": 200, "n_jobs": 2},
    ),
    "two threads, lbfgs": ("float32", {"solver": "lbfgs", "batch_size": 200, "n_jobs": 2}),
}


def fit(name, **others):
    """The estimator of that name in FITS, with other parameters besides, fitted."""
    rows, parameters = FITS[name]
    parameters = {"hidden_layer_sizes": (40,), "max_iter": 4, **parameters, **others}
    clf = BackpropMLPClassifier(random_state=0, tol=0, **parameters)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return clf.fit(ROWS[rows], y)


def digest(clf):
    """SHA-256 of all weights and of the loss curve."""
    arrays = (*clf.coefs_, *clf.intercepts_, np.array(clf.loss_curve_))
    return hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()


def digests(names=FITS):
    """Those of fits, by their names, made in this order."""
    return {name: digest(fit(name)) for name in names}
