"""
=============================
Handwritten digits, the start
=============================

Train :class:`~skdigitnet.BackpropMLPClassifier` on scikit-learn's small handwritten
digits (1,797 images of 8 x 8 pixels), choose its parameters by cross-validation, and look
at the digits that it gets wrong.
"""

# %%
# The data
# --------
# A quarter of the images is kept for the end; nothing below chooses anything by them.

import os
import time

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle
from sklearn.datasets import load_digits
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedKFold,
    cross_val_score,
    train_test_split,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdigitnet import BackpropMLPClassifier

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=0.25, stratify=y, random_state=0
)

# %%
# Train
# -----
# Sigmoid networks want features of similar size, so a scaler goes first. Everything else
# is left at its default: one hidden layer of 100 units, trained by gradient descent. The
# accuracy is that of five networks, each on the fifth of the images it has not seen.

start = time.perf_counter()
classifier = make_pipeline(StandardScaler(), BackpropMLPClassifier(random_state=0))
folds = StratifiedKFold(5, shuffle=True, random_state=0)
scores = cross_val_score(classifier, X_train, y_train, cv=folds)
print(f"Default network: {len(scores)} fits in {time.perf_counter() - start:.1f} s,", end=" ")
print(f"cross-validated accuracy {scores.mean():.4f}")

# %%
# Choose parameters by cross-validation
# -------------------------------------
# The estimator is an ordinary scikit-learn one, and two processes give the same scores as
# one, to the last bit.

parameters = {
    "backpropmlpclassifier__hidden_layer_sizes": [(50,), (100,)],
    "backpropmlpclassifier__activation": ["logistic", "tanh"],
    "backpropmlpclassifier__alpha": [0.01, 0.1, 1.0],
}
search = GridSearchCV(classifier, parameters, cv=folds, n_jobs=2)
start = time.perf_counter()
search.fit(X_train, y_train)
n_fits = search.n_splits_ * len(search.cv_results_["params"])
print(f"Grid search: {n_fits} fits in {time.perf_counter() - start:.1f} s, best parameters")
for name, value in search.best_params_.items():
    print(f"    {name.removeprefix('backpropmlpclassifier__')} = {value}")
print(f"    cross-validated accuracy {search.best_score_:.4f}")

predicted = search.predict(X_test)
accuracy = np.mean(predicted == y_test)
print(f"Best network: held-out accuracy {accuracy:.4f}")

# %%
# Look at the result
# ------------------
# On the left every wrong digit, in a frame, and then some of the right ones; on the right
# how often each digit was taken for each.

WRONG = "#d55e00"  # told from black and grey by colour-blind people too
N_ROWS, N_COLUMNS = 5, 8

is_wrong = predicted != y_test
shown = np.argsort(~is_wrong, kind="stable")[: N_ROWS * N_COLUMNS]

figure = plt.figure(figsize=(12, 5.6), layout="constrained")
left, right = figure.subfigures(1, 2, width_ratios=[1.15, 1])

left.suptitle(f"{is_wrong.sum()} of {len(y_test)} held-out digits are wrong", fontsize=13)
for ax, i in zip(left.subplots(N_ROWS, N_COLUMNS).flat, shown, strict=True):
    ax.imshow(X_test[i].reshape(8, 8), cmap="gray_r")
    ax.set(xticks=[], yticks=[])
    if is_wrong[i]:
        ax.set_title(f"{predicted[i]}, not {y_test[i]}", color=WRONG, weight="bold", size=11)
        for spine in ax.spines.values():
            spine.set(color=WRONG, linewidth=3)
    else:
        ax.set_title(f"{predicted[i]}", size=11)

counts = confusion_matrix(y_test, predicted)
right.suptitle("Confusion matrix", fontsize=13)
ax = right.subplots()
ax.imshow(counts / counts.sum(axis=1, keepdims=True), cmap="Blues", vmin=0, vmax=1.2)
for (true, taken_for), count in np.ndenumerate(counts):
    if count == 0:
        continue
    confused = true != taken_for
    color = WRONG if confused else "white"
    ax.text(taken_for, true, count, ha="center", va="center", color=color, weight="bold")
    if confused:
        corner = (taken_for - 0.45, true - 0.45)
        ax.add_patch(Rectangle(corner, 0.9, 0.9, fill=False, edgecolor=WRONG, linewidth=2))
ax.set(xticks=range(10), yticks=range(10), xlabel="Predicted digit", ylabel="True digit")

picture = os.path.abspath("digits_quickstart.png")
figure.savefig(picture, dpi=120)
print(f"Picture: {picture}")
