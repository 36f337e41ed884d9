"""Splitting rows into training and held-out rows."""

from __future__ import annotations

import numpy as np
from sklearn.model_selection import train_test_split


def hold_out(
    y: np.ndarray,
    weight: np.ndarray,
    validation_fraction: float,
    random_state: np.random.RandomState,
) -> tuple[np.ndarray, np.ndarray]:
    """Split the rows into training and held-out rows.

    The split is MLPClassifier's: stratified for two classes, random otherwise. If it
    fails, or a class is missing on one side, as few rows as possible change sides, so
    that every class is trained on and every class with two rows or more is also held
    out. Rows of weight zero do not count as rows of their class.

    Parameters
    ----------
    y : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        Class indices, or an indicator matrix of one column (two classes) or more
        (multilabel, where labels need not occur on both sides).
    weight : ndarray of shape (n_rows,)
    validation_fraction : float
    random_state : RandomState

    Returns
    -------
    training, held_out : ndarray of shape (n_training_rows,) and (n_held_out,)

    Raises
    ------
    ValueError
        If no class has two rows.
    """
    two_classes = y.ndim == 2 and y.shape[1] == 1
    rows = np.arange(len(y), dtype=np.intp)
    split = {"test_size": validation_fraction, "random_state": random_state}
    try:
        training, held_out = train_test_split(
            rows, stratify=y.ravel() if two_classes else None, **split
        )
    except ValueError:  # a class of one row, or fewer held-out rows than classes
        size = min(max(1, round(validation_fraction * len(y))), len(y) - 1)
        held_out = rows[random_state.permutation(len(y))[:size]]  # on Windows it has int32
        training = np.setdiff1d(rows, held_out)
    return spread_classes(y, weight, training, held_out)


def spread_classes(
    y: np.ndarray, weight: np.ndarray, training: np.ndarray, held_out: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Move as few rows as possible so that every class is on both sides if it can be.

    Parameters and exceptions are those of :func:`hold_out`. If no row has to move, the
    arrays are returned unchanged.
    """
    several_labels = y.ndim == 2 and y.shape[1] > 1
    labels = np.zeros(len(y), dtype=np.intp) if several_labels else y.ravel()
    members = [np.flatnonzero((labels == k) & (weight > 0)) for k in np.unique(labels)]
    if all(len(rows) < 2 for rows in members):
        raise ValueError(
            "early_stopping=True needs a class with two rows or more, one to train on"
            f" and one to hold out; y has {len(y)} rows of {len(members)} classes. Give"
            " more rows, or set early_stopping=False."
        )
    for rows in members:
        if len(rows) > 0 and not np.isin(rows, training).any():
            training, held_out = _move(rows[:1], training, held_out)
        elif len(rows) > 1 and not np.isin(rows, held_out).any():
            held_out, training = _move(rows[:1], held_out, training)
    return training, held_out


def _move(rows, to, source):
    return np.append(to, rows), source[~np.isin(source, rows)]
