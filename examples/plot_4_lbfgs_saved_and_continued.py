"""
=======================================
L-BFGS, and weights saved and continued
=======================================

A hidden layer of 25 units and ten yes-or-no outputs, trained on all images at once: for a small
network L-BFGS needs no learning rate and few iterations. It starts from weights of our own,
tells the cost of every iteration, and continues later from a file.
"""

# %%
# The data
# --------
# MNIST if the environment variable SKDIGITNET_MNIST names the folder of its four files,
# scikit-learn's digits otherwise. The mean of the training images is subtracted from every
# image: with pixels that vary about zero L-BFGS gets further in as many iterations.

import os
import tempfile
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from skdigitnet import BackpropMLPClassifier
from skdigitnet.datasets import load_mnist
from skdigitnet.plotting import DigitGridDisplay, WeightImageDisplay

if os.environ.get("SKDIGITNET_MNIST"):
    data_name = "MNIST"
    X_train, y_train = load_mnist(subset="train", return_X_y=True)
    X_test, y_test = load_mnist(subset="test", return_X_y=True)
else:
    data_name = "load_digits"
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(
        X / 16, y, test_size=400, random_state=0
    )
print(f"{data_name}: {len(X_train)} images to train on, {len(X_test)} to test with")

mean_image = X_train.mean(axis=0)
X_train, X_test = X_train - mean_image, X_test - mean_image

# %%
# Initial weights
# ---------------
# Small random numbers, so that the hidden units differ from each other. Nine digits in ten
# are not the one that an output stands for; intercepts of :math:`-\log 9` make every output
# begin with a probability of 1/10, and save the iterations that would find that out.

rng = np.random.default_rng(0)
n_pixels, n_hidden = X_train.shape[1], 25
coefs = [
    rng.uniform(-0.12, 0.12, size=(n_pixels, n_hidden)),
    rng.uniform(-0.12, 0.12, size=(n_hidden, 10)),
]
intercepts = [np.zeros(n_hidden), np.full(10, -np.log(9))]

# %%
# Twenty iterations
# -----------------
# ``verbose`` prints the cost after each of them. Twenty are not enough to converge, of which
# fit would warn.

warnings.filterwarnings("ignore", category=ConvergenceWarning)

network = BackpropMLPClassifier(
    hidden_layer_sizes=(n_hidden,),
    output_activation="logistic",
    solver="lbfgs",
    alpha=0.1,
    max_iter=20,
    verbose=True,
)
network.fit(X_train, y_train, coef_init=coefs, intercept_init=intercepts)

train_accuracy_20 = network.score(X_train, y_train)
test_accuracy_20 = network.score(X_test, y_test)
print(f"After 20 iterations {100 * train_accuracy_20:.1f} % of the training images", end=" ")
print(f"and {100 * test_accuracy_20:.1f} % of the test images are right")

# %%
# Save the weights
# ----------------
# They are NumPy arrays, and a ``.npz`` file keeps several of them under names, here with the
# mean image that belongs to them. Such a file holds numbers only: unlike a pickle, it can be
# read with any version and runs no code.

folder = tempfile.TemporaryDirectory()
file = Path(folder.name, "weights.npz")
np.savez(
    file,
    mean_image=mean_image,
    W1=network.coefs_[0],
    b1=network.intercepts_[0],
    W2=network.coefs_[1],
    b2=network.intercepts_[1],
)
print(f"{file.name}: {file.stat().st_size / 1000:.0f} kB")

# %%
# Load them and continue
# ----------------------
# Another estimator, perhaps on another day, starts from the file. L-BFGS begins with no
# memory of the curvature, so its first step is a careful one.

with np.load(file) as saved:
    mean_image = saved["mean_image"]
    coefs = [saved["W1"], saved["W2"]]
    intercepts = [saved["b1"], saved["b2"]]
folder.cleanup()

continued = BackpropMLPClassifier(
    hidden_layer_sizes=(n_hidden,),
    output_activation="logistic",
    solver="lbfgs",
    alpha=0.1,
    max_iter=80,
)
continued.fit(X_train, y_train, coef_init=coefs, intercept_init=intercepts)

train_accuracy_100 = continued.score(X_train, y_train)
test_accuracy_100 = continued.score(X_test, y_test)
print(f"After 80 more {100 * train_accuracy_100:.1f} % of the training images", end=" ")
print(f"and {100 * test_accuracy_100:.1f} % of the test images are right")

figure, ax = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
ax.plot(np.arange(1, 21), network.loss_curve_, label="from random weights")
ax.plot(20 + np.arange(1, 81), continued.loss_curve_, "--", label="from the file")
ax.set(xlabel="Iteration", ylabel="Cost", title=f"L-BFGS on {data_name}")
ax.legend()
plt.show()

# %%
# Look at the predictions
# -----------------------
# Test images, each with the predicted class as its title and how sure the network is of it.
# The wrong ones are framed.

DigitGridDisplay.from_predictions(
    X_test + mean_image,
    y_test,
    continued.predict(X_test),
    confidence=continued.predict_proba(X_test).max(axis=1),
    select="random",
    random_state=0,
)
plt.show()

# %%
# What the hidden units look at
# -----------------------------
# The weights from the pixels to each hidden unit, the unit with the largest effect first.

WeightImageDisplay.from_estimator(continued, n_columns=9)
plt.show()
