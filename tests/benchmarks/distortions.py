"""What training on distorted images gives: the accuracy with and without, all else the same.

    python tests/benchmarks/distortions.py
    SKDIGITNET_MNIST=folder python tests/benchmarks/distortions.py

load_digits by five-fold cross-validation, shuffled three times, with 100 ReLU units and 100
epochs of Adam; and MNIST, trained on the first 50,000 training images and tried on the other
10,000, with 256 units and 15 epochs. The distortions are the default ones of distort_images,
drawn anew in every epoch, and nothing is chosen here; those defaults were set with a look at
the 10,000 images and at one of the three shufflings.
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np
from data import mnist, mnist_folder
from measure import print_environment
from pinning import pin
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold

from skdigitnet import BackpropMLPClassifier
from skdigitnet.datasets import distort_images

SHUFFLINGS = (0, 1, 2)


def accuracy(rows, labels, others, their_labels, *, distorted: bool, units: int, epochs: int):
    """On the other rows, after training for so many epochs."""
    network = BackpropMLPClassifier(
        (units,), activation="relu", solver="adam", batch_size=32, random_state=0
    )
    for epoch in range(epochs):
        seen = distort_images(rows, random_state=(0, epoch)) if distorted else rows
        network.partial_fit(seen, labels, classes=np.arange(10))
    return network.score(others, their_labels)


def on_digits(*, distorted: bool) -> list[float]:
    """The mean of five folds, of every shuffling."""
    X, y = load_digits(return_X_y=True)
    means = []
    for seed in SHUFFLINGS:
        folds = StratifiedKFold(5, shuffle=True, random_state=seed).split(X, y)
        scores = [
            accuracy(
                X[train] / 16, y[train], X[test] / 16, y[test],
                distorted=distorted, units=100, epochs=100,
            )
            for train, test in folds
        ]  # fmt: skip
        means.append(float(np.mean(scores)))
    return means


def on_mnist(*, distorted: bool) -> float:
    X, y = mnist("train")
    return accuracy(
        X[:50_000], y[:50_000], X[50_000:], y[50_000:],
        distorted=distorted, units=256, epochs=15,
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.parse_args()
    pin(1)
    warnings.simplefilter("ignore")
    print_environment()
    for distorted in (False, True):
        means = on_digits(distorted=distorted)
        of_each = ", ".join(f"{mean:.4f}" for mean in means)
        how = "with distortions" if distorted else "without"
        print(f"load_digits, {how}: {np.mean(means):.4f} ({of_each})", flush=True)
        if mnist_folder() is not None:
            print(f"MNIST, {how}: {on_mnist(distorted=distorted):.4f}", flush=True)


if __name__ == "__main__":
    main()
