"""
============================
Training on distorted digits
============================

A digit that is turned a little, shifted or bent is still the same digit, but to a network that
sees pixels it is a new image. ``distort_images`` makes such images. A network that trains on
fresh ones in every epoch, so that it never sees an image twice, makes fewer mistakes on images
that it has not seen.
"""

# %%
# The data
# --------
# MNIST if the environment variable SKDIGITNET_MNIST names the folder of its four files (10,000
# of its images to train on), scikit-learn's digits otherwise. The validation images choose the
# distortions; the test images choose nothing.

import os
import time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skdigitnet import BackpropMLPClassifier
from skdigitnet.datasets import distort_images, load_mnist
from skdigitnet.plotting import DigitGridDisplay

if os.environ.get("SKDIGITNET_MNIST"):
    data_name, n_epochs, n_networks = "MNIST", 20, 1
    X, y = load_mnist(subset="train", return_X_y=True)
    X_train, y_train, X_valid, y_valid = X[:10000], y[:10000], X[-10000:], y[-10000:]
    X_test, y_test = load_mnist(subset="test", return_X_y=True)
else:
    data_name, n_epochs, n_networks = "load_digits", 100, 5
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X / 16, y, test_size=500, random_state=0)
    X_train, X_valid, y_train, y_valid = train_test_split(X, y, test_size=300, random_state=0)

print(f"{data_name}: {len(X_train)} images to train on, {len(X_valid)} to validate with,")
print(f"    {len(X_test)} to test with")

# %%
# Distorted digits
# ----------------
# The first row has ten images as they are; each of the others has them distorted with another
# seed. An image is scaled, sheared, rotated and shifted by random amounts, and bent by a smooth
# random displacement of its pixels: the elastic distortion of P. Y. Simard, D. Steinkraus and
# J. C. Platt ("Best practices for convolutional neural networks applied to visual document
# analysis", ICDAR 2003).

first = [np.flatnonzero(y_train == digit)[0] for digit in range(10)]
distorted = [distort_images(X_train[first], random_state=seed) for seed in range(5)]
DigitGridDisplay.from_data(
    np.concatenate([X_train[first], *distorted]), n_digits=60, n_columns=10
)
plt.show()

# %%
# Train on fresh ones
# -------------------
# ``partial_fit`` makes one epoch. What happens to an image depends on its row and on
# ``random_state`` alone, here the seed and the epoch: a training that was interrupted can go on
# with the same images, and a part of the rows can be distorted alone.


def train(distortions, seed):
    """A network, and its validation accuracy after each epoch."""
    network = BackpropMLPClassifier(
        (200,),
        activation="relu",
        solver="adam",
        batch_size=32,
        learning_rate_init=0.002,
        random_state=seed,
    )
    accuracies = []
    for epoch in range(n_epochs):
        if epoch == n_epochs * 3 // 4:  # smaller steps at the end
            network.set_params(learning_rate_init=0.0004)
        X_epoch = X_train
        if distortions is not None:
            X_epoch = distort_images(X_train, random_state=(seed, epoch), **distortions)
        network.partial_fit(X_epoch, y_train, classes=range(10))
        accuracies.append(network.score(X_valid, y_valid))
    return network, accuracies


# %%
# The defaults are mild. Half as much and half as much again are tried as well, and the best of
# them on the validation images is kept. The small digits are so few that chance decides between
# two networks: five are trained with each candidate, and their mean accuracy counts.

side = np.sqrt(X_train.shape[1])
candidates = {"none": None}
for strength in (0.5, 1, 1.5):
    candidates[f"{strength:g} x default"] = {
        "rotation": 10 * strength,
        "scale": 0.1 * strength,
        "shear": 10 * strength,
        "shift": side / 28 * strength,
        "elastic": side / 28 * strength,
    }
start = time.process_time()
networks, curves = {}, {}
for name, distortions in candidates.items():
    fits = [train(distortions, seed) for seed in range(n_networks)]
    networks[name] = [network for network, _ in fits]
    curves[name] = np.mean([accuracies for _, accuracies in fits], axis=0)
    print(f"{name}: validation accuracy {100 * curves[name][-1]:.2f} %")
print(f"{time.process_time() - start:.1f} s of processor time")

figure, ax = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
for name, curve in curves.items():
    ax.plot(range(1, n_epochs + 1), curve, label=name)
ax.set(xlabel="Epoch", ylabel="Validation accuracy", ylim=(0.9, 1), title=data_name)
ax.legend(title="Distortions", loc="lower right")
ax.grid(alpha=0.3)
plt.show()

# %%
# The test images
# ---------------
# Without distortions the network soon knows the training images by heart, and learns no more.
# With them it is slower, and gets further.

best = max(curves, key=lambda name: curves[name][-1])
test_accuracy = {}
for name in ("none", best):
    scores = [network.score(X_test, y_test) for network in networks[name]]
    test_accuracy[name] = np.mean(scores)
    print(
        f"{name}: test accuracy {100 * np.mean(scores):.2f} %, networks {np.round(scores, 3)}"
    )

# %%
# The mistakes that are left, those first of which the network was surest.

DigitGridDisplay.from_estimator(
    networks[best][0], X_test, y_test, select="mistakes", n_digits=12, n_columns=6
)
plt.show()
