"""Data sets that are drawn: (X, y) from a number of rows and a seed."""

from __future__ import annotations

import numpy as np
from sklearn import datasets

Rows = tuple[np.ndarray, np.ndarray]


def circles(rows: int, seed: int, noise: float) -> Rows:
    """Two circles, one in the other."""
    return datasets.make_circles(rows, noise=noise, factor=0.5, random_state=seed)


def moons(rows: int, seed: int, noise: float) -> Rows:
    return datasets.make_moons(rows, noise=noise, random_state=seed)


def xor(rows: int, seed: int, *, flipped: float = 0.0, useless: int = 0) -> Rows:
    """Whether two normal features have the same sign; more features say nothing."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((rows, 2 + useless))
    y = (X[:, 0] > 0) ^ (X[:, 1] > 0)
    return X, flip(y, flipped, rng)


def parity(rows: int, seed: int, *, flipped: float = 0.0, useless: int = 0) -> Rows:
    """Whether the number of ones among four bits is odd; more bits say nothing."""
    rng = np.random.default_rng(seed)
    X = rng.integers(2, size=(rows, 4 + useless))
    return X.astype(float), flip(X[:, :4].sum(axis=1) % 2 == 1, flipped, rng)


def flip(y: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Two classes as 0 and 1, a share of the rows with the other one."""
    return (y ^ (rng.random(len(y)) < share)).astype(int)


def quantiles(rows: int, seed: int, features: int, classes: int) -> Rows:
    """Shells around the origin, each with as many rows."""
    return datasets.make_gaussian_quantiles(
        n_samples=rows, n_features=features, n_classes=classes, random_state=seed
    )


def hastie(rows: int, seed: int) -> Rows:
    """Whether the squared length of ten normal features is above its median."""
    X, y = datasets.make_hastie_10_2(rows, random_state=seed)
    return X, (y > 0).astype(int)


def clusters(rows: int, seed: int, features: int, **more) -> Rows:
    """scikit-learn's make_classification."""
    return datasets.make_classification(rows, features, random_state=seed, **more)


def blobs(rows: int, seed: int, features: int, classes: int, spread: float) -> Rows:
    return datasets.make_blobs(
        rows, features, centers=classes, cluster_std=spread, random_state=seed
    )


def spirals(rows: int, seed: int, arms: int, turns: float, noise: float) -> Rows:
    """Arms that wind around the origin, a class each."""
    rng = np.random.default_rng(seed)
    y = np.arange(rows) % arms
    radius = np.sqrt(rng.uniform(0.01, 1, rows))
    angle = 2 * np.pi * (turns * radius + y / arms)
    X = radius[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    return X + noise * rng.standard_normal(X.shape), y


def checkerboard(rows: int, seed: int, squares: int, flipped: float = 0.0) -> Rows:
    """The colour of a square of a board with as many squares a side."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(0, squares, (rows, 2))
    return X, flip(np.floor(X).sum(axis=1) % 2 == 1, flipped, rng)


def linear(rows: int, seed: int, features: int, slope: float = np.inf) -> Rows:
    """The side of a hyperplane; with a slope drawn by the logistic function of it."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((rows, features))
    distance = X @ rng.standard_normal(features) / np.sqrt(features)
    if slope == np.inf:
        return X, (distance > 0).astype(int)
    return X, (rng.logistic(size=rows) < slope * distance).astype(int)


def rare(rows: int, seed: int, share: float) -> Rows:
    """A class of few rows in the middle of another one."""
    rng = np.random.default_rng(seed)
    y = np.zeros(rows, dtype=int)
    y[: round(share * rows)] = 1
    X = rng.standard_normal((rows, 4))
    X[y == 1] = 0.3 * X[y == 1] + [1, 1, 0, 0]
    return X, y


def waves(rows: int, seed: int, classes: int, features: int) -> Rows:
    """The sum of two features, cut into bands; the classes take turns."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-3, 3, (rows, features))
    return X, np.floor(X[:, :2].sum(axis=1)).astype(int) % classes


def skewed(rows: int, seed: int, features: int) -> Rows:
    """A quadratic boundary in features with long tails and very different scales."""
    rng = np.random.default_rng(seed)
    normal = rng.standard_normal((rows, features))
    score = normal[:, 0] + normal[:, 1] * normal[:, 2] + 0.3 * rng.standard_normal(rows)
    X = np.exp(normal) * 10.0 ** rng.integers(-3, 4, features)
    return X, (score > 0).astype(int)


def categories(rows: int, seed: int, columns: int, levels: int) -> Rows:
    """One-hot columns; each level adds to a score, and pairs of levels do too."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(levels, size=(rows, columns))
    effects = rng.standard_normal((columns, levels))
    pairs = rng.standard_normal((levels, levels))
    score = effects[np.arange(columns), codes].sum(axis=1)
    score += 2 * pairs[codes[:, 0], codes[:, 1]] + rng.standard_normal(rows)
    X = np.eye(levels)[codes].reshape(rows, -1)
    return X, (score > np.median(score)).astype(int)
