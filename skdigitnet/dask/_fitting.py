"""From rows that workers hold to a fitted estimator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from skdigitnet._problem.class_weight import class_factors
from skdigitnet._problem.labels import Labels, check_target
from skdigitnet._problem.objective import SAMPLED_ROWS
from skdigitnet._problem.rows import TrainingRows
from skdigitnet._training.encoding import Encoding
from skdigitnet._training.fitting import fit_parts
from skdigitnet._training.run import Given
from skdigitnet._training.summed import Parts
from skdigitnet.dask._held import Held


@dataclass(frozen=True)
class HeldRows:
    """Rows that workers hold as they are given.

    Attributes
    ----------
    held : Held
        Of :class:`~skdigitnet.dask._rows.Rows`.
    n_rows : int
    """

    held: Held
    n_rows: int

    def labels(self) -> Labels:
        return Labels.of(check_target(np.concatenate(self.held.call("labels")), None))

    def parts(self, labels: Labels, class_weight) -> Parts:
        """The rows as the kernels take them, weighted by class."""
        held = self.held.mapped("part", labels)
        parts = self._parts(held, labels)
        if class_weight is None:
            return parts
        factors = class_factors(class_weight, labels, parts.totals)
        return self._parts(held.mapped("weighted", factors), labels)

    def _parts(self, held: Held, labels: Labels) -> Parts:
        class_weights: dict[int, np.ndarray] = {}
        for found in held.call("class_weights", len(labels.classes)):
            class_weights.update(found)
        return Parts(self.n_rows, class_weights, held.call)


def fit_held(local, rows: HeldRows, validation: HeldRows | None, features: dict) -> str | None:
    """Train the local estimator on the workers' rows; what to warn of.

    Parameters
    ----------
    local : BackpropMLPClassifier
    rows : HeldRows
    validation : HeldRows or None
        For ``early_stopping``.
    features : dict
        What a fitted estimator records of X's columns.
    """
    labels = rows.labels()
    parts = rows.parts(labels, local.class_weight)
    del rows  # the workers hold them as parts
    given = _given(parts, labels, features)
    if validation is None:
        return fit_parts(local, given, parts, None)
    with naming_validation_rows():
        validation_parts = validation.parts(labels, local.class_weight)
        if not validation_parts.totals.any():
            raise ValueError("sample_weight_val is zero for every row.")
    del validation
    return fit_parts(local, given, parts, validation_parts)


@contextmanager
def naming_validation_rows() -> Iterator[None]:
    """Have errors say that they are of validation rows."""
    try:
        yield
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"X_val or y_val cannot be used: {error}") from error


def _given(parts: Parts, labels: Labels, features: dict) -> Given:
    """Some of the rows, as fit is given them."""
    totals = parts.totals
    labels.check_several(np.flatnonzero(totals), np.ones(np.count_nonzero(totals)))
    n_rows = -(-SAMPLED_ROWS // len(parts.class_weights))
    blocks = {number: block for part in parts.ask("sample", n_rows) for number, block in part}
    X, indices, weight = (
        np.concatenate(arrays)
        for arrays in zip(*(blocks[number] for number in sorted(blocks)), strict=True)
    )
    rows = TrainingRows(X=X, y=labels.decode(indices), sample_weight=weight, features=features)
    return Given(rows, labels, None, Encoding(rows, labels))
