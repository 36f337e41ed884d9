"""Digits as a hand draws them: strokes of points in shares of the paper's side."""

import numpy as np

# corners of each stroke [x, y], y downward; the digit is one high
STROKES = {
    0: [[(0.35, 0), (0.1, 0.15), (0, 0.5), (0.1, 0.85), (0.35, 1), (0.6, 0.85), (0.7, 0.5),
         (0.6, 0.15), (0.35, 0)]],
    1: [[(0.1, 0.12), (0.2, 0), (0.2, 1)]],
    2: [[(0.02, 0.22), (0.15, 0.04), (0.38, 0), (0.6, 0.12), (0.62, 0.32), (0.45, 0.58),
         (0, 1), (0.68, 1)]],
    3: [[(0.02, 0.1), (0.3, 0), (0.55, 0.1), (0.57, 0.3), (0.4, 0.44), (0.22, 0.47),
         (0.5, 0.53), (0.64, 0.72), (0.52, 0.94), (0.25, 1), (0, 0.9)]],
    4: [[(0.42, 0), (0, 0.62), (0.7, 0.62)], [(0.52, 0.3), (0.5, 1)]],
    5: [[(0.6, 0), (0.12, 0), (0.08, 0.45), (0.35, 0.4), (0.58, 0.54), (0.6, 0.78),
         (0.4, 0.97), (0.15, 1), (0, 0.9)]],
    6: [[(0.5, 0), (0.22, 0.22), (0.05, 0.55), (0.06, 0.84), (0.28, 1), (0.52, 0.9),
         (0.58, 0.7), (0.4, 0.54), (0.2, 0.6), (0.07, 0.76)]],
    7: [[(0, 0.02), (0.62, 0), (0.4, 0.45), (0.22, 1)]],
    8: [[(0.56, 0.1), (0.32, 0), (0.08, 0.1), (0.1, 0.3), (0.32, 0.46), (0.58, 0.66),
         (0.6, 0.88), (0.34, 1), (0.08, 0.9), (0.08, 0.68), (0.3, 0.48), (0.54, 0.28),
         (0.56, 0.1)]],
    9: [[(0.55, 0.18), (0.35, 0.02), (0.1, 0.1), (0.03, 0.32), (0.18, 0.5), (0.42, 0.45),
         (0.55, 0.2), (0.54, 0.6), (0.45, 1)]],
}  # fmt: skip
PER_CORNER = 4  # points of the smooth line from corner to corner


def drawings(n, random_state=0):
    """Pairs of a digit, each in turn, and its strokes: no two alike."""
    rng = np.random.default_rng(random_state)
    return [(i % 10, _draw(STROKES[i % 10], rng)) for i in range(n)]


def _draw(strokes, rng):
    height, broader = rng.uniform(0.5, 0.75), rng.uniform(0.85, 1.15)
    slant, turn = rng.normal(scale=0.12), rng.normal(scale=0.06)
    turning = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    shape = turning @ np.array([[broader, -slant], [0, 1]]) * height
    lines = [
        _smooth(np.array(stroke) + rng.normal(scale=0.015, size=(len(stroke), 2))) @ shape.T
        for stroke in strokes
    ]
    low, high = (
        bound([bound(line, axis=0) for line in lines], axis=0) for bound in (np.min, np.max)
    )
    place = rng.uniform(0.08 - low, 0.92 - high)
    return [(line + place).tolist() for line in lines]


def _smooth(corners):
    """Points along a Catmull-Rom spline, which goes through the corners."""
    padded = np.vstack([corners[:1], corners, corners[-1:]])
    t = np.linspace(0, 1, PER_CORNER, endpoint=False)[:, np.newaxis]
    parts = [
        b + t / 2 * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
        for a, b, c, d in zip(padded[:-3], padded[1:-2], padded[2:-1], padded[3:], strict=True)
    ]
    return np.vstack([*parts, corners[-1:]])
