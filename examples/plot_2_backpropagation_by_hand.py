"""
=======================
Backpropagation by hand
=======================

A network with one hidden layer in plain NumPy: the cost, its gradient and the training
loop, each a few lines beside its equation. The gradient is checked twice, against
differences of the cost and against :class:`~skdigitnet.BackpropMLPClassifier`, which then
does the same training in compiled code.

With MNIST it trains on 5,000 images and is tested on 55,000; with scikit-learn's digits on
500 and the other 1,297.
"""

# %%
# The data
# --------
# MNIST if the environment variable SKDIGITNET_MNIST names the folder of its four files,
# scikit-learn's digits otherwise. Row :math:`i` of :math:`X` is an image, its pixels between
# 0 and 1.

import os
import time
import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from skdigitnet import BackpropMLPClassifier
from skdigitnet.datasets import load_mnist

if os.environ.get("SKDIGITNET_MNIST"):
    data_name = "MNIST"
    X, y = load_mnist(subset="train", dtype=np.float64, return_X_y=True)
    X_train, X_test, y_train, y_test = X[:5000], X[5000:], y[:5000], y[5000:]
else:
    data_name = "load_digits"
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(
        X / 16, y, train_size=500, random_state=0
    )
print(f"{data_name}: {len(X_train)} images to train on, {len(X_test)} to test with")

# %%
# One-hot targets
# ---------------
# The network has an output for each digit. Its target :math:`T_{ik}` is 1 where image
# :math:`i` shows digit :math:`k` and 0 elsewhere.


def one_hot(y):
    return np.eye(10)[y]


T_train = one_hot(y_train)
print("Digit", y_train[0], "becomes", T_train[0])

# %%
# The sigmoid and its derivative
# ------------------------------
#
# .. math:: \sigma(z) = \frac{1}{1 + e^{-z}}, \qquad
#    \sigma'(z) = \sigma(z) \, (1 - \sigma(z))


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def sigmoid_derivative(z):
    return sigmoid(z) * (1 - sigmoid(z))


z = np.linspace(-8, 8, 201)
figure, ax = plt.subplots(figsize=(6, 3.2), layout="constrained")
ax.plot(z, sigmoid(z), label=r"$\sigma(z)$")
ax.plot(z, sigmoid_derivative(z), "--", label=r"$\sigma'(z)$")
ax.set(xlabel="z", title="The sigmoid and its derivative")
ax.legend()
plt.show()

# %%
# The derivative is 1/4 at most and almost 0 outside of -5 to 5, so a unit with a large
# input learns slowly. Initial weights are therefore small.
#
# Forward pass
# ------------
#
# .. math:: Z_1 = X W_1 + b_1, \quad A_1 = \sigma(Z_1), \qquad
#    Z_2 = A_1 W_2 + b_2, \quad A_2 = \sigma(Z_2)


def forward(X, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    A1 = sigmoid(Z1)
    Z2 = A1 @ W2 + b2
    A2 = sigmoid(Z2)
    return Z1, A1, A2


# %%
# Cost with regularisation
# ------------------------
# The cross-entropy of each of the ten yes-or-no outputs, averaged over the :math:`m`
# images, and a penalty on large weights:
#
# .. math:: J = -\frac{1}{m} \sum_{i, k} \bigl[ T_{ik} \log A_{2, ik}
#    + (1 - T_{ik}) \log (1 - A_{2, ik}) \bigr]
#    + \frac{\alpha}{2 m} \bigl( \lVert W_1 \rVert^2 + \lVert W_2 \rVert^2 \bigr)


def cost(X, T, W1, b1, W2, b2, alpha):
    *_, A2 = forward(X, W1, b1, W2, b2)
    cross_entropy = -np.sum(T * np.log(A2) + (1 - T) * np.log(1 - A2))
    penalty = alpha / 2 * (np.sum(W1**2) + np.sum(W2**2))
    return (cross_entropy + penalty) / len(X)


# %%
# Backward pass
# -------------
# The chain rule from the cost back to the inputs. :math:`D_l` is the derivative of the cost
# with respect to :math:`Z_l`; with cross-entropy that of the outputs is just their error:
#
# .. math:: D_2 = \tfrac{1}{m} (A_2 - T), \qquad
#    D_1 = (D_2 W_2^\top) \odot \sigma'(Z_1)
#
# .. math:: \frac{\partial J}{\partial W_1} = X^\top D_1 + \frac{\alpha}{m} W_1, \quad
#    \frac{\partial J}{\partial W_2} = A_1^\top D_2 + \frac{\alpha}{m} W_2, \quad
#    \frac{\partial J}{\partial b_l} = \sum_i D_{l, i}


def backward(X, T, W1, b1, W2, b2, alpha):
    m = len(X)
    Z1, A1, A2 = forward(X, W1, b1, W2, b2)
    D2 = (A2 - T) / m
    D1 = D2 @ W2.T * sigmoid_derivative(Z1)
    dW1 = X.T @ D1 + alpha / m * W1
    dW2 = A1.T @ D2 + alpha / m * W2
    db1, db2 = D1.sum(axis=0), D2.sum(axis=0)
    return dW1, db1, dW2, db2


# %%
# Is the gradient right?
# ----------------------
# A change of :math:`\varepsilon` in one weight changes the cost by :math:`\varepsilon` times
# its derivative, so :math:`(J(w + \varepsilon) - J(w - \varepsilon)) / 2 \varepsilon` must
# give the same number. Ten elements of each of :math:`W_1, b_1, W_2, b_2` are enough to find a
# mistake.

n_pixels, n_hidden, alpha = X_train.shape[1], 25, 0.1
rng = np.random.default_rng(0)
W1 = rng.normal(scale=1 / np.sqrt(n_pixels), size=(n_pixels, n_hidden))
W2 = rng.normal(scale=1 / np.sqrt(n_hidden), size=(n_hidden, 10))
b1, b2 = np.zeros(n_hidden), np.zeros(10)

parameters = [W1, b1, W2, b2]
gradient = backward(X_train, T_train, *parameters, alpha)

epsilon = 1e-5
difference_error = 0.0
for parameter, derivative in zip(parameters, gradient, strict=True):
    for i in rng.choice(parameter.size, size=10, replace=False):
        value = parameter.flat[i]
        parameter.flat[i] = value + epsilon
        cost_above = cost(X_train, T_train, *parameters, alpha)
        parameter.flat[i] = value - epsilon
        cost_below = cost(X_train, T_train, *parameters, alpha)
        parameter.flat[i] = value
        difference = (cost_above - cost_below) / (2 * epsilon)
        difference_error = max(difference_error, abs(difference - derivative.flat[i]))

largest = max(np.abs(derivative).max() for derivative in gradient)
print(f"The largest derivative is {largest:.2g}")
print(f"Differences of the cost: off by {difference_error:.1g} at most")

# %%
# The estimator has no method that returns a gradient, but one step of plain gradient
# descent over all images at once moves the weights by minus the learning rate times the
# gradient. ``output_activation="logistic"`` gives ten yes-or-no outputs as above, and
# ``coef_init`` and ``intercept_init`` the same first weights. No rule is to stop training
# before ``max_iter`` steps, so ``n_iter_no_change`` is infinite.

network = BackpropMLPClassifier(
    hidden_layer_sizes=(n_hidden,),
    output_activation="logistic",
    alpha=alpha,
    solver="sgd",
    momentum=0,
    batch_size=len(X_train),
    learning_rate_init=1.0,
    max_iter=1,
    n_iter_no_change=np.inf,
)
with warnings.catch_warnings():
    # one step is no training: the network is still no better than a constant, and says so
    warnings.simplefilter("ignore", ConvergenceWarning)
    network.fit(X_train, y_train, coef_init=[W1, W2], intercept_init=[b1, b2])

stepped = [
    network.coefs_[0],
    network.intercepts_[0],
    network.coefs_[1],
    network.intercepts_[1],
]
estimator_error = 0.0
for before, after, derivative in zip(parameters, stepped, gradient, strict=True):
    estimator_gradient = (before - after) / network.learning_rate_init
    error = np.abs(estimator_gradient - derivative).max()
    estimator_error = max(estimator_error, error)
print(f"The estimator's gradient: off by {estimator_error:.1g} at most")

# %%
# Parameter update, and training
# ------------------------------
#
# .. math:: W_l \leftarrow W_l - \eta \frac{\partial J}{\partial W_l}, \qquad
#    b_l \leftarrow b_l - \eta \frac{\partial J}{\partial b_l}


def train(X, T, parameters, alpha, learning_rate, n_steps):
    parameters = [parameter.copy() for parameter in parameters]
    costs = []
    for _ in range(n_steps):
        costs.append(cost(X, T, *parameters, alpha))
        gradient = backward(X, T, *parameters, alpha)
        for parameter, derivative in zip(parameters, gradient, strict=True):
            parameter -= learning_rate * derivative
    return parameters, costs


def accuracy(X, y, parameters):
    *_, A2 = forward(X, *parameters)
    return np.mean(A2.argmax(axis=1) == y)


# %%
# The learning rate :math:`\eta` is chosen by the cost on the training images: too small
# makes slow progress, too large jumps about.

n_steps = 100
curves, trained = {}, {}
for eta in (0.1, 0.5, 2.0):
    start = time.perf_counter()
    trained[eta], curves[eta] = train(X_train, T_train, parameters, alpha, eta, n_steps)
    seconds_by_hand = time.perf_counter() - start
learning_rate = min(curves, key=lambda eta: curves[eta][-1])

figure, ax = plt.subplots(figsize=(6, 3.6), layout="constrained")
for (eta, costs), style in zip(curves.items(), ("-.", "--", "-"), strict=True):
    ax.plot(costs, style, label=rf"$\eta$ = {eta:g}")
ax.set(xlabel="Steps", ylabel="Cost", title=f"Gradient descent by hand on {data_name}")
ax.legend()
plt.show()

accuracy_by_hand = accuracy(X_test, y_test, trained[learning_rate])
print(f"By hand, {n_steps} steps at learning rate {learning_rate}: {seconds_by_hand:.2f} s,")
print(f"    cost {curves[learning_rate][-1]:.4f}, test accuracy {accuracy_by_hand:.4f}")

# %%
# The same steps by the estimator
# -------------------------------
# It ends at the same weights, up to rounding.

network.set_params(learning_rate_init=learning_rate, max_iter=n_steps)
start = time.perf_counter()
network.fit(X_train, y_train, coef_init=[W1, W2], intercept_init=[b1, b2])
seconds = time.perf_counter() - start
weight_error = np.abs(network.coefs_[0] - trained[learning_rate][0]).max()
accuracy_by_estimator = network.score(X_test, y_test)
print(f"By the estimator: {seconds:.2f} s, cost {network.loss_curve_[-1]:.4f},", end=" ")
print(f"test accuracy {accuracy_by_estimator:.4f}, weights off by at most {weight_error:.1g}")

# %%
# A step over all images is a waste: a few images already tell in which direction to go, if
# only roughly, so that the steps should be smaller. With mini-batches of 10 the same network
# takes many steps in every pass over the images (epoch), and learns more from fewer passes.

n_epochs = 30
network.set_params(batch_size=10, learning_rate_init=0.5, max_iter=n_epochs, random_state=0)
start = time.perf_counter()
network.fit(X_train, y_train, coef_init=[W1, W2], intercept_init=[b1, b2])
seconds = time.perf_counter() - start
accuracy_mini_batches = network.score(X_test, y_test)
print(f"Mini-batches, {n_epochs} epochs: {seconds:.2f} s, cost", end=" ")
print(f"{network.loss_curve_[-1]:.4f}, test accuracy {accuracy_mini_batches:.4f}")
