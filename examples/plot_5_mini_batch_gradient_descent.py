"""
=========================================
Mini-batch gradient descent, step by step
=========================================

A hidden layer of 30 sigmoid units, the squared error, mini-batches of 10 images, a learning
rate of 3 and 30 passes over 50,000 images: the first network of M. Nielsen's book "Neural
networks and deep learning" (2015), which tells how many test images are right after every
pass (epoch). Then the same network is trained better, one thing at a time: cross-entropy,
smaller initial weights, a penalty on large weights, a learning rate that falls. And last:
how many units does it take to reach 98 % on MNIST?
"""

# %%
# The data
# --------
# MNIST if the environment variable SKDIGITNET_MNIST names the folder of its four files,
# scikit-learn's digits otherwise. The validation images choose every setting that is not
# given beforehand; the test images choose nothing.

import os
import time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skdigitnet import BackpropMLPClassifier
from skdigitnet.datasets import load_mnist
from skdigitnet.plotting import DigitGridDisplay

if os.environ.get("SKDIGITNET_MNIST"):
    data_name, n_valid = "MNIST", 10000
    X, y = load_mnist(subset="train", return_X_y=True)
    X_test, y_test = load_mnist(subset="test", return_X_y=True)
else:
    data_name, n_valid = "load_digits", 400
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X / 16, y, test_size=400, random_state=0)

X_train, X_valid, y_train, y_valid = X[:-n_valid], X[-n_valid:], y[:-n_valid], y[-n_valid:]
print(f"{data_name}: {len(X_train)} images to train on, {len(X_valid)} to validate with,")
print(f"    {len(X_test)} to test with")

# %%
# The published network
# ---------------------
# Weights and intercepts begin as standard normal random numbers. ``fit`` makes the first
# epoch, from these weights, and ``partial_fit`` each of the others; ``warm_start`` says that
# training will go on, so that the mini-batches are those of one fit with 30 epochs, and
# ``n_iter_no_change`` that no rule is to stop it.

n_pixels, n_hidden, n_epochs = X_train.shape[1], 30, 30
rng = np.random.default_rng(0)
normal_weights = {
    "coef_init": [
        rng.normal(size=(n_pixels, n_hidden)),
        rng.normal(size=(n_hidden, 10)),
    ],
    "intercept_init": [rng.normal(size=n_hidden), rng.normal(size=10)],
}
published = BackpropMLPClassifier(
    hidden_layer_sizes=(n_hidden,),
    loss="squared_error",
    output_activation="logistic",
    solver="sgd",
    momentum=0,
    alpha=0,
    batch_size=10,
    learning_rate_init=3.0,
    max_iter=1,
    n_iter_no_change=np.inf,
    warm_start=True,
    random_state=0,
)
start = time.perf_counter()
test_accuracies = []
for epoch in range(1, n_epochs + 1):
    if epoch == 1:
        published.fit(X_train, y_train, **normal_weights)
    else:
        published.partial_fit(X_train, y_train)
    test_accuracies.append(published.score(X_test, y_test))
    n_right = round(test_accuracies[-1] * len(X_test))
    print(f"Epoch {epoch}: {n_right} / {len(X_test)}")
print(f"{time.perf_counter() - start:.1f} s with the tests")

figure, ax = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
ax.plot(range(1, n_epochs + 1), test_accuracies)
ax.set(xlabel="Epoch", ylabel="Test accuracy", title=f"The published network on {data_name}")
plt.show()

# %%
# One improvement at a time
# -------------------------
# A fit with each of the candidates; the settings of the network that is best on the validation
# images are those that the next step begins with.


def best_of(candidates, **initial_weights):
    fits = []
    for settings in candidates:
        fit = clone(network).set_params(**settings)
        fits.append(fit.fit(X_train, y_train, **initial_weights))
        print("   ", settings, fit.score(X_valid, y_valid))
    return max(fits, key=lambda fit: fit.score(X_valid, y_valid))


network = BackpropMLPClassifier(
    hidden_layer_sizes=(n_hidden,),
    output_activation="logistic",
    solver="sgd",
    momentum=0,
    alpha=0,
    batch_size=10,
    max_iter=n_epochs,
    n_iter_no_change=np.inf,  # all epochs, whatever the loss does
    random_state=0,
)
steps = {"Published": published.score(X_valid, y_valid)}

# %%
# *Cross-entropy.* Under the squared error an output that is quite wrong has a small
# derivative, because the sigmoid is flat there, and learns slowly. Cross-entropy cancels that
# factor. Its gradients are larger, so the learning rate is smaller.

print("Cross-entropy")
rates = [{"learning_rate_init": rate} for rate in (0.25, 0.5)]
network = best_of(rates, **normal_weights)
steps["Cross-entropy"] = network.score(X_valid, y_valid)

# %%
# *Smaller initial weights.* A hidden unit that adds up many pixels with standard normal weights
# begins far out on the sigmoid, where it is flat. The estimator's own initial weights are the
# smaller the more inputs and outputs a layer has.

print("Smaller initial weights")
network = best_of(rates)
steps["Smaller weights"] = network.score(X_valid, y_valid)

# %%
# *L2 penalty.* Large weights cost something, so the network learns less by heart.

print("L2 penalty")
network = best_of([{"alpha": alpha} for alpha in (0, 0.1, 1, 4)])
steps["L2 penalty"] = network.score(X_valid, y_valid)

# %%
# *A falling learning rate.* Ten images tell only roughly which way is down. Large steps get
# near the minimum soon, and keep jumping about it; small ones at the end settle there.

print("Falling rate")
network = best_of(
    [{"learning_rate": "linear", "learning_rate_init": rate} for rate in (0.25, 0.5)]
)
steps["Falling rate"] = network.score(X_valid, y_valid)
improved = network

# %%
# *More units*, with everything else as it is now. With 100 of them the book reaches 98.04 % on
# MNIST (chapter 3).

print("More units")
network = best_of([{"hidden_layer_sizes": (n_units,)} for n_units in (30, 100, 150)])
steps["More units"] = network.score(X_valid, y_valid)

figure, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
percents = [100 * score for score in steps.values()]
positions = range(len(steps))
ax.plot(percents, positions, "o")
for percent, position in zip(percents, positions, strict=True):
    ax.text(percent, position, f"   {percent:.2f}", va="center")
ax.grid(axis="x")
ax.set_yticks(positions, labels=steps)
ax.invert_yaxis()
ax.margins(x=0.15)
ax.set(xlabel="Validation accuracy (%)", title=f"Each step keeps those before it ({data_name})")
plt.show()

# %%
# The test images
# ---------------
# Everything has been chosen; now the test images tell what it was worth. On MNIST 98 % takes
# more than these 30 units. On the small digits the network cannot get much better, and some
# images more or less are chance.

networks = {"As published": published, "Improved": improved, "With more units": network}
test_accuracy = {}
for name, fitted in networks.items():
    test_accuracy[name] = fitted.score(X_test, y_test)
    (n_units,) = fitted.hidden_layer_sizes
    print(f"{name}, {n_units} units: test accuracy {100 * test_accuracy[name]:.2f} %")

# %%
# The mistakes that are left, those first of which the network was surest.

DigitGridDisplay.from_estimator(network, X_test, y_test, select="mistakes", n_digits=24)
plt.show()
