"""What training on distorted images gives: the accuracy with and without, all else the same.

    python tests/benchmarks/distortions.py
    SKDIGITNET_MNIST=folder python tests/benchmarks/distortions.py

load_digits by five-fold cross-validation, shuffled three times, with 100 ReLU units and 100
epochs of Adam, at two learning rates; and MNIST, trained on the first 50,000 training images
and tried on the other 10,000, with 256 units and 15 epochs. The distortions are the default
ones of distort_images, drawn anew in every epoch, and nothing is chosen here; those defaults
were set with a look at the 10,000 images and at one of the three shufflings.
"""

from __future__ import annotations

import argparse
import warnings
from itertools import product

import numpy as np
from data import mnist, mnist_folder
from measure import print_environment
from pinning import pin
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold

from skdigitnet import BackpropMLPClassifier
from skdigitnet.datasets import distort_images

SHUFFLINGS = (0, 1, 2)
RATES = ("auto", 0.001)  # ours for Adam with ReLU is 0.005


def accuracy(rows, labels, others, their_labels, *, distorted, rate, units, epochs) -> float:
    """On the other rows, after training for so many epochs."""
    network = BackpropMLPClassifier(
        (units,),
        activation="relu",
        solver="adam",
        learning_rate_init=rate,
        batch_size=32,
        random_state=0,
    )
    for epoch in range(epochs):
        seen = distort_images(rows, random_state=(0, epoch)) if distorted else rows
        network.partial_fit(seen, labels, classes=np.arange(10))
    return network.score(others, their_labels)


def on_digits(**how) -> list[float]:
    """The mean of five folds, of every shuffling."""
    X, y = load_digits(return_X_y=True)
    means = []
    for seed in SHUFFLINGS:
        folds = StratifiedKFold(5, shuffle=True, random_state=seed).split(X, y)
        scores = [
            accuracy(
                X[train] / 16, y[train], X[test] / 16, y[test],
                units=100, epochs=100, **how,
            )
            for train, test in folds
        ]  # fmt: skip
        means.append(float(np.mean(scores)))
    return means


def on_mnist(**how) -> float:
    X, y = mnist("train")
    return accuracy(
        X[:50_000], y[:50_000], X[50_000:], y[50_000:],
        units=256, epochs=15, **how,
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.parse_args()
    pin(1)
    warnings.simplefilter("ignore")
    print_environment()
    for rate, distorted in product(RATES, (False, True)):
        how = {"rate": rate, "distorted": distorted}
        told = f"learning rate {rate}, {'with distortions' if distorted else 'without'}"
        means = on_digits(**how)
        of_each = ", ".join(f"{mean:.4f}" for mean in means)
        print(f"load_digits, {told}: {np.mean(means):.4f} ({of_each})", flush=True)
        if mnist_folder() is not None:
            print(f"MNIST, {told}: {on_mnist(**how):.4f}", flush=True)


if __name__ == "__main__":
    main()
