"""
=======================================
How far distorted digits take a network
=======================================

How many digits can a plain multilayer perceptron read, one without convolutions? With images
that are distorted anew in every epoch P. Y. Simard, D. Steinkraus and J. C. Platt reached
99.3 % of MNIST's test images with 800 hidden units [1]_, and D. C. Cireșan and others 99.65 %
with five hidden layers [2]_. Here is the same training, in a short version: one fit, which
distorts the next images while it trains on the last.
"""

# %%
# The data
# --------
# MNIST if the environment variable SKDIGITNET_MNIST names the folder of its four files,
# scikit-learn's digits otherwise. The settings of the networks were chosen on the validation
# images; the test images choose nothing.

import os
import time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skdigitnet import BackpropMLPClassifier
from skdigitnet.datasets import Distortions, RowBlocks, load_mnist
from skdigitnet.plotting import DigitGridDisplay

if os.environ.get("SKDIGITNET_MNIST"):
    data_name, short, long = "MNIST", 4, 12  # epochs
    layers, batch_size, rate = (800, 400), 200, 0.0015
    X, y = load_mnist(subset="train", return_X_y=True)
    X_train, y_train, X_valid, y_valid = X[:-10000], y[:-10000], X[-10000:], y[-10000:]
    X_test, y_test = load_mnist(subset="test", return_X_y=True)
else:
    data_name, short, long = "load_digits", 50, 150
    layers, batch_size, rate = (200, 100), 32, 0.004
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(np.float32)
    X, X_test, y, y_test = train_test_split(X, y, test_size=500, random_state=0)
    X_train, X_valid, y_train, y_valid = train_test_split(X, y, test_size=300, random_state=0)

print(f"{data_name}: {len(X_train)} images to train on, {len(X_valid)} to validate with,")
print(f"    {len(X_test)} to test with")

# %%
# What the network sees
# ---------------------
# :class:`~skdigitnet.datasets.Distortions` scales, leans, turns and shifts each image by
# random amounts and bends it. The first row has ten images as they are, each of the others has
# them as another epoch might.

distortions = Distortions()
first = [np.flatnonzero(y_train == digit)[0] for digit in range(10)]
rng = np.random.default_rng(0)
seen = [distortions(X_train[first], rng) for _ in range(4)]
DigitGridDisplay.from_data(np.concatenate([X_train[first], *seen]), n_digits=50, n_columns=10)
plt.show()

# %%
# Train
# -----
# :class:`~skdigitnet.datasets.RowBlocks` gives the images to the network block by block and
# distorts them, in a thread that reads ahead. The learning rate falls in a line to nothing:
# then the last epochs average out the noise of the mini-batches. With ``early_stopping`` the
# accuracy on the validation images is computed after every epoch, and the best weights are
# kept, which flatters their validation accuracy a little; an infinite patience stops nothing
# early. The seed determines the distortions too.


def train(rows, n_epochs):
    network = BackpropMLPClassifier(
        layers,
        activation="relu",
        solver="adam",
        alpha=0,
        batch_size=batch_size,
        learning_rate="linear",
        learning_rate_init=rate,
        max_iter=n_epochs,
        early_stopping=True,
        n_iter_no_change=np.inf,
        random_state=0,
        n_jobs=2,
    )
    return network.fit(rows, y_train, X_val=X_valid, y_val=y_valid)


distorted = RowBlocks(X_train, transform=distortions)
networks = {}
start = time.perf_counter()
for name, rows, n_epochs in (
    ("as they are", X_train, long),
    ("distorted", distorted, short),
    ("distorted, longer", distorted, long),
):
    networks[name] = network = train(rows, n_epochs)
    n_wrong = round((1 - network.best_validation_score_) * len(X_valid))
    print(f"{name}: {n_wrong} of {len(X_valid)} validation images wrong")
print(f"{time.perf_counter() - start:.1f} s")

# %%
# Without distortions the network soon knows its images by heart, and more epochs are of no use.
# With them it is slower at first, but every epoch brings new images, and the longer the
# training, the better the network.

figure, ax = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
for name, network in networks.items():
    wrong = 100 * (1 - np.array(network.validation_scores_))
    ax.plot(range(1, len(wrong) + 1), wrong, label=name)
ax.set(
    xlabel="Epoch",
    ylabel="Validation images wrong (%)",
    ylim=(0, 6),
    title=f"{data_name}: images trained on",
)
ax.legend()
ax.grid(alpha=0.3)
plt.show()

# %%
# The test images
# ---------------
# With more time and larger networks the same training goes further: the page on data sets
# tells what a minute, ten minutes and an hour on two cores give, beside published networks.

test_accuracy = {name: network.score(X_test, y_test) for name, network in networks.items()}
for name, accuracy in test_accuracy.items():
    print(f"{name}: test accuracy {100 * accuracy:.2f} %")

# %%
# The mistakes that are left, those first of which the network was surest. Some of these digits
# a person would not read for certain either.

DigitGridDisplay.from_estimator(
    networks["distorted, longer"], X_test, y_test, select="mistakes", n_digits=12, n_columns=6
)
plt.show()

# %%
# .. [1] P. Y. Simard, D. Steinkraus, J. C. Platt, "Best practices for convolutional neural
#    networks applied to visual document analysis", ICDAR 2003.
# .. [2] D. C. Cireșan, U. Meier, L. M. Gambardella, J. Schmidhuber, "Deep, big, simple neural
#    nets for handwritten digit recognition", Neural Computation 22, 2010.
