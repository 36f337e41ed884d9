"""The network of the page to draw on, docs/network_to_draw_for.npz: settings, and training.

    SKDIGITNET_MNIST=folder python docs/train_network_to_draw_for.py

It trains on the first 50,000 images of MNIST's training set, each as it is and three times
turned, slanted, stretched and moved a little, as people write. The last 10,000 training images
choose the strength of the penalty; the test images are not looked at. It takes two minutes.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy import ndimage

from skdigitnet import BackpropMLPClassifier
from skdigitnet.datasets import load_mnist

FILE = Path(__file__).resolve().parent / "network_to_draw_for.npz"
N_VAL = 10_000
N_COPIES = 3
ALPHAS = (5, 10, 20)


def written_again(X: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Each image under a small affine map of its own."""
    again = np.empty_like(X)
    centre = np.array([14, 14])
    for i, image in enumerate(X.reshape(-1, 28, 28)):
        turn, slant = rng.normal(scale=0.12, size=2)
        taller, broader = np.exp(rng.normal(scale=0.08, size=2))
        turning = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        to_source = turning @ np.array([[1 / taller, 0], [slant, 1 / broader]])
        offset = centre - to_source @ centre + rng.normal(scale=0.5, size=2)
        again[i] = ndimage.affine_transform(image, to_source, offset, order=1).ravel()
    return again


def main() -> None:
    """Train with each strength, and save the network that is best on the validation rows."""
    X, y = load_mnist(return_X_y=True)
    X_train, y_train, X_val, y_val = X[:-N_VAL], y[:-N_VAL], X[-N_VAL:], y[-N_VAL:]
    rng = np.random.default_rng(0)
    X_train = np.vstack([X_train, *(written_again(X_train, rng) for _ in range(N_COPIES))])
    y_train = np.tile(y_train, 1 + N_COPIES)
    best, best_accuracy = None, 0.0
    for alpha in ALPHAS:
        clf = BackpropMLPClassifier(
            (50,), alpha=alpha, learning_rate="linear", max_iter=30, random_state=0,
            n_iter_no_change=np.inf,
        ).fit(X_train, y_train)  # fmt: skip
        accuracy = clf.score(X_val, y_val)
        print(f"alpha={alpha}: {accuracy:.4f} of the validation images are right")
        if accuracy > best_accuracy:
            best, best_accuracy = clf, accuracy
    best.save_weights(FILE)
    print(f"{FILE.name} has the one with {best_accuracy:.4f}.")


if __name__ == "__main__":
    main()
