"""Training in every way there is, and one number for all the weights that come of it."""

import hashlib
from dataclasses import dataclass, fields
from functools import cache
from itertools import product

import numpy as np
from resuming import OPTIMISERS
from scipy import sparse
from threadpoolctl import threadpool_limits

from skdigitnet import BackpropMLPClassifier

N_ROWS, N_FEATURES = 400, 200
HIDDEN = 80, 60  # enough for several threads, and for BLAS to take several
FORMS = {
    "dense": np.asarray,
    "mostly zeros": np.asarray,
    "csr": sparse.csr_array,
    "csc": sparse.csc_matrix,
}
EXTRAS = {
    "plain": {},
    "early stopping": {"early_stopping": True, "validation_fraction": 0.2},
    "dropout": {"dropout": 0.3},
}


@cache
def dense_rows(form, dtype):
    """X as an array, and y."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((N_ROWS, N_FEATURES))
    if form != "dense":
        X[rng.random(X.shape) > 0.2] = 0
    return X.astype(dtype), rng.integers(0, 7, N_ROWS)


@dataclass(frozen=True)
class Configuration:
    """A solver and what it trains on."""

    solver: str
    form: str
    dtype: str
    extra: str

    def __str__(self):
        return ", ".join(getattr(self, field.name) for field in fields(self))

    def make(self, **parameters):
        solver = OPTIMISERS.get(self.solver, {"solver": self.solver})
        return BackpropMLPClassifier(
            HIDDEN,
            max_iter=3,
            n_iter_no_change=np.inf,
            random_state=0,
            **{"batch_size": 200, **solver, **EXTRAS[self.extra], **parameters},
        )

    def rows(self):
        """X in its form, and y."""
        X, y = dense_rows(self.form, self.dtype)
        return FORMS[self.form](X), y

    def digest(self, **parameters):
        """That of a fit."""
        return digest(self.make(**parameters).fit(*self.rows()))


def digest(clf):
    """SHA-256 over all coefs_ and intercepts_, as hexadecimal digits."""
    sha = hashlib.sha256()
    for array in clf.coefs_ + clf.intercepts_:
        sha.update(array.tobytes())
    return sha.hexdigest()


CONFIGURATIONS = [
    Configuration(*values)
    for values in product([*OPTIMISERS, "lbfgs"], FORMS, ("float32", "float64"), EXTRAS)
    if (values[0], values[3]) != ("lbfgs", "dropout")
]


def digests(n_blas_threads):
    """Of a fit in every configuration, with so many threads for BLAS wherever it likes."""
    with threadpool_limits(n_blas_threads, user_api="blas"):
        return [configuration.digest() for configuration in CONFIGURATIONS]
