"""From rows that workers hold to a fitted estimator."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skdigitnet._problem.labels import Labels, check_target
from skdigitnet._problem.objective import SAMPLED_ROWS
from skdigitnet._problem.rows import TrainingRows
from skdigitnet._training.encoding import Encoding
from skdigitnet._training.fitting import fit_parts
from skdigitnet._training.run import Given
from skdigitnet.dask._held import Held


def fit_held(local, rows: Held, n_rows: int, block_rows: int, features: dict) -> str | None:
    """Train the local estimator on the workers' rows; what to warn of."""
    labels = Labels.of(check_target(np.concatenate(rows.call("labels")), None))
    n_blocks = -(-n_rows // block_rows)
    sampled = rows.call("sample", -(-SAMPLED_ROWS // n_blocks))
    parts = rows.mapped("part", labels)
    del rows  # the workers hold them as parts
    class_weights: dict[int, np.ndarray] = {}
    for found in parts.call("class_weights", len(labels.classes)):
        class_weights.update(found)
    given = _given(sampled, labels, features, class_weights)
    return fit_parts(local, given, n_rows, class_weights, parts.call)


def _given(
    sampled: Sequence[dict], labels: Labels, features: dict, class_weights: dict
) -> Given:
    """Some of the rows, as fit is given them."""
    blocks = {number: block for part in sampled for number, block in part.items()}
    X, y, weight = (
        np.concatenate(arrays)
        for arrays in zip(*(blocks[number] for number in sorted(blocks)), strict=True)
    )
    totals = np.sum(list(class_weights.values()), axis=0)
    labels.check_several(np.flatnonzero(totals), np.ones(np.count_nonzero(totals)))
    rows = TrainingRows(X=X, y=y, sample_weight=weight, features=features)
    return Given(rows, labels, None, Encoding(rows, labels))
