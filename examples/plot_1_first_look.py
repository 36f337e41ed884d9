"""
==================================
A first look at handwritten digits
==================================

Look at a digit, train a network that tells them apart far better than guessing, and see which
ones it confuses. Then the two questions that come next: how do accuracy and time depend on
the number of hidden units, and on the number of training images?
"""

# %%
# The data
# --------
# MNIST (images of 28 x 28 pixels) if the environment variable SKDIGITNET_MNIST names the
# folder of its four files, scikit-learn's digits (8 x 8) otherwise. A quarter of the training
# images is for validation: it answers the two questions, and the test images stay new.

import importlib.util
import os
import sys
import time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.model_selection import train_test_split

from skdigitnet import BackpropMLPClassifier
from skdigitnet.datasets import load_mnist
from skdigitnet.plotting import PredictionDisplay

if os.environ.get("SKDIGITNET_MNIST"):
    data_name = "MNIST"
    X, y = load_mnist(subset="train", return_X_y=True)
    X_test, y_test = load_mnist(subset="test", return_X_y=True)
else:
    data_name = "load_digits"
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X / 16, y, test_size=400, random_state=0)

X_train, X_valid, y_train, y_valid = train_test_split(X, y, test_size=0.25, random_state=0)
print(f"{data_name}: {len(X_train)} images to train on, {len(X_valid)} to validate with,")
print(f"    {len(X_test)} to test with")

# %%
# Look at a digit
# ---------------
# A row of X is an image, its pixels one after another, from 0 (paper) to 1 (ink). In a
# notebook with ipywidgets a slider chooses the row.


def show_digit(index):
    n_rows = round(np.sqrt(X_train.shape[1]))
    _, ax = plt.subplots(figsize=(3, 3.2), layout="constrained")
    ax.imshow(X_train[index].reshape(n_rows, n_rows), cmap="gray_r")
    ax.set(title=f"Image {index} shows a {y_train[index]}", xticks=[], yticks=[])
    plt.show()


in_notebook = "ipykernel" in sys.modules
if in_notebook and importlib.util.find_spec("ipywidgets"):
    from ipywidgets import interact

    interact(show_digit, index=(0, len(X_train) - 1))
else:
    show_digit(index=0)

# %%
# Train a network
# ---------------
# One hidden layer of 100 units, the default. Training ends when the loss has not fallen by
# ``tol`` for more than ten passes over the images. The default of 0.0001 trains longer.

network = BackpropMLPClassifier(hidden_layer_sizes=(100,), tol=0.001, random_state=0)
start = time.perf_counter()
network.fit(X_train, y_train)
print(f"{network.n_iter_} passes over the images in {time.perf_counter() - start:.2f} s")

most_frequent = np.bincount(y_train).argmax()
guessing = np.mean(y_test == most_frequent)
accuracy = network.score(X_test, y_test)
print(f"Test accuracy {accuracy:.4f}; of always guessing {most_frequent} {guessing:.4f}")

# %%
# Which digits does it confuse?
# -----------------------------
# A row of the confusion matrix is a true digit, a column what the network took it for.

figure, ax = plt.subplots(figsize=(5.6, 5.4), layout="constrained")
ConfusionMatrixDisplay.from_estimator(
    network, X_test, y_test, cmap="Blues", colorbar=False, ax=ax
)
ax.set_title(f"{data_name}: {accuracy:.1%} of {len(y_test)} test images are right")
plt.show()

# %%
# The test image that it is least sure of:

doubtful = network.predict_proba(X_test).max(axis=1).argmin()
PredictionDisplay.from_estimator(network, X_test[doubtful], y_test[doubtful])
plt.show()

# %%
# How many hidden units?
# ----------------------
# More units tell more digits apart, until there are enough of them. Each pass takes longer
# the more there are, but small networks need more passes.


def fit_and_measure(n_units, n_images):
    """Validation accuracy, and seconds to train."""
    network = BackpropMLPClassifier((n_units,), tol=0.001, random_state=0)
    start = time.perf_counter()
    network.fit(X_train[:n_images], y_train[:n_images])
    seconds = time.perf_counter() - start
    score = network.score(X_valid, y_valid)
    print(f"{n_units:>5} {n_images:>7} {network.n_iter_:>7} {seconds:>8.3f} {score:>9.4f}")
    return score, seconds


print("Units  Images  Passes  Seconds  Accuracy")
unit_counts = [3, 10, 30, 100, 300]
unit_results = [fit_and_measure(n_units, len(X_train)) for n_units in unit_counts]

# %%
# How many training images?
# -------------------------
# A hundred hidden units, and the first of the training images: 100 of them, up to all.

image_counts = np.geomspace(100, len(X_train), 6).astype(int)
image_results = [fit_and_measure(100, n_images) for n_images in image_counts]

# %%
# Both questions in one picture, with logarithmic horizontal axes. Time grows about as the
# number of images does, but every further step to the right adds less accuracy.

figure, axes = plt.subplots(2, 2, figsize=(8, 5.6), sharex="col", layout="constrained")
columns = [("Hidden units", unit_counts, unit_results)]
columns += [("Training images", image_counts, image_results)]
for (top, bottom), (name, counts, results) in zip(axes.T, columns, strict=True):
    scores, seconds = zip(*results, strict=True)
    top.plot(counts, scores, "o-")
    top.set(ylabel="Validation accuracy")
    bottom.plot(counts, seconds, "o-")
    bottom.set(xscale="log", xlabel=name, ylabel="Time to train (s)", ylim=(0, None))
figure.suptitle(f"Accuracy and time on {data_name}")
plt.show()
