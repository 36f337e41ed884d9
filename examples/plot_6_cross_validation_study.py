"""
========================
A cross-validation study
========================

Choose a network by cross-validation, say honestly how good the choice is (nested
cross-validation), ask whether more images would help (learning curve), and whether one
setting is really better than another (a test that allows for folds sharing their images).
"""

# %%
# The data
# --------
# The first 1,000 training images of MNIST if the environment variable SKDIGITNET_MNIST names
# the folder of its four files, scikit-learn's 1,797 digits otherwise. There is no test set:
# cross-validation lets every image be tested once, by a network that has not seen it.

import os
import time

import matplotlib.pyplot as plt
import numpy as np
from scipy import stats
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import (
    GridSearchCV,
    LearningCurveDisplay,
    RepeatedStratifiedKFold,
    StratifiedKFold,
    cross_val_predict,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler

from skdigitnet import BackpropMLPClassifier
from skdigitnet.datasets import load_mnist
from skdigitnet.plotting import (
    DigitGridDisplay,
    LossCurveDisplay,
    PredictionDisplay,
    SearchDisplay,
    WeightImageDisplay,
)

if os.environ.get("SKDIGITNET_MNIST"):
    data_name = "MNIST"
    X, y = load_mnist(subset="train", scale=False, return_X_y=True)
    X, y = X[:1000], y[:1000]
else:
    data_name = "load_digits"
    X, y = load_digits(return_X_y=True)
print(f"{data_name}: {len(X)} images")

# %%
# A grid search
# -------------
# The scaler is a step of the pipeline, so it too is fitted without the images of the fold that
# is being tested. Shape of the network, penalty on large weights and learning rate are searched
# together, since the best of one depends on the others.

pipeline = Pipeline(
    [
        ("scale", MinMaxScaler()),
        (
            "network",
            BackpropMLPClassifier(
                batch_size=50, tol=0.001, weight_init="sklearn", random_state=0
            ),
        ),
    ]
)
grid = {
    "network__hidden_layer_sizes": [(), (20,), (50,)],
    "network__alpha": [0.03, 0.3, 3],
    "network__learning_rate_init": [0.05, 0.2],
}
folds = StratifiedKFold(5, shuffle=True, random_state=0)
search = GridSearchCV(pipeline, grid, cv=folds, n_jobs=2)

start = time.perf_counter()
search.fit(X, y)
n_fits = search.n_splits_ * len(search.cv_results_["params"])
print(f"{n_fits} fits in {time.perf_counter() - start:.1f} s")
print(f"Best accuracy {search.best_score_:.4f}, with {search.best_params_}")

SearchDisplay.from_search(search, parameters=["alpha", "hidden_layer_sizes"])
plt.show()

# %%
# Nested cross-validation
# -----------------------
# The best of so many accuracies tends to be too high: it was chosen for being high on these
# very folds. So the whole search becomes the estimator, and an outer cross-validation tests
# each search on images that took no part in it.

inner = GridSearchCV(pipeline, grid, cv=StratifiedKFold(3, shuffle=True, random_state=1))
nested = cross_validate(inner, X, y, cv=folds, n_jobs=2, return_estimator=True)
nested_scores = nested["test_score"]
print(f"Best of the search {search.best_score_:.4f}, nested {nested_scores.mean():.4f},")
print(f"    its folds from {nested_scores.min():.4f} to {nested_scores.max():.4f}")
for fold in nested["estimator"]:
    print("    chosen:", fold.best_params_)

# %%
# The folds need not choose the same settings: where several are as good as each other, chance
# decides. Their training losses:

LossCurveDisplay.from_estimator(nested["estimator"], log_scale=True)
plt.show()

# %%
# Would more images help?
# -----------------------
# Where the score on new images still rises at the right end, yes. The band is one standard
# deviation over the folds.

figure, ax = plt.subplots(figsize=(6.4, 4), layout="constrained")
LearningCurveDisplay.from_estimator(
    search.best_estimator_,
    X,
    y,
    train_sizes=np.linspace(0.1, 1, 6),
    cv=folds,
    score_type="both",
    line_kw={"marker": "o"},
    n_jobs=2,
    ax=ax,
)
ax.set(title=f"Learning curve on {data_name}", ylabel="Accuracy")
plt.show()

# %%
# Does a hidden layer help?
# -------------------------
# No hidden layer against 50 units, each with the best settings that the search found for it,
# on 10 times 10 folds. The 100 differences are no independent measurements, because the
# training images of any two folds are mostly the same. A plain t-test takes them for
# independent, and finds too many differences; Nadeau and Bengio [1]_ enlarge the variance of
# the mean by the ratio of test to training images. For :math:`J` differences of mean
# :math:`\bar d` and variance :math:`s^2`
#
# .. math:: t = \frac{\bar d}{\sqrt{(1 / J + n_{test} / n_{train}) \, s^2}}
#
# with :math:`J - 1` degrees of freedom. Bouckaert and Frank [2]_ find that with 10 times 10
# folds its result depends little on how the folds happened to be drawn.
#
# .. [1] C. Nadeau and Y. Bengio, "Inference for the generalization error", Machine Learning 52,
#    2003.
# .. [2] R. R. Bouckaert and E. Frank, "Evaluating the replicability of significance tests for
#    comparing learning algorithms", PAKDD 2004.

repeated = RepeatedStratifiedKFold(n_splits=10, n_repeats=10, random_state=0)
results = search.cv_results_
scores = {}
for layers in ((), (50,)):
    with_layers = [sizes == layers for sizes in results["param_network__hidden_layer_sizes"]]
    best = np.where(with_layers, results["mean_test_score"], 0).argmax()
    settings = clone(pipeline).set_params(**results["params"][best])
    scores[layers] = cross_val_score(settings, X, y, cv=repeated, n_jobs=2)
    print(f"Hidden layers {layers}: {scores[layers].mean():.4f}")

differences = scores[(50,)] - scores[()]
n_differences = len(differences)
mean, variance = differences.mean(), differences.var(ddof=1)


def t_test(variance_of_mean):
    """p-value, and half of the 95 % confidence interval."""
    standard_error = np.sqrt(variance_of_mean)
    p = 2 * stats.t.sf(abs(mean) / standard_error, n_differences - 1)
    return p, stats.t.ppf(0.975, n_differences - 1) * standard_error


test_to_training = 1 / 9  # one fold of ten against nine
p_plain, half_plain = t_test(variance / n_differences)
p_corrected, half_corrected = t_test((1 / n_differences + test_to_training) * variance)
print(f"Mean difference {mean:.4f}: corrected p = {p_corrected:.2g}, plain p = {p_plain:.2g}")

# %%
# The interval of the corrected test is the honest one. A network that is somewhat better on
# 100 folds of the same images need not be better on others.

figure, ax = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
ax.hist(100 * differences, bins=15, color="lightgrey")
top = ax.get_ylim()[1]
for height, half, label, color in (
    (0.6, half_corrected, "corrected", "C0"),
    (0.8, half_plain, "plain t-test", "C1"),
):
    ax.errorbar(
        100 * mean, height * top, xerr=100 * half, fmt="o", capsize=5, color=color, label=label
    )
ax.axvline(0, color="black", linestyle=":")
ax.set(
    xlabel="With hidden layer minus without (percentage points)",
    ylabel="Folds",
    title="Difference in accuracy, with 95 % intervals",
)
ax.legend()
plt.show()

# %%
# Look at the network
# -------------------
# What the best network's first layer looks at, from each pixel.

WeightImageDisplay.from_estimator(search, n_units=20)
plt.show()

# %%
# Look at the mistakes
# --------------------
# Predictions for every image, by the network that has not seen it; the mistakes of which it is
# surest come first.

probabilities = cross_val_predict(
    search.best_estimator_, X, y, cv=folds, method="predict_proba", n_jobs=2
)
predicted = probabilities.argmax(axis=1)
DigitGridDisplay.from_predictions(
    X, y, predicted, confidence=probabilities.max(axis=1), select="mistakes", n_digits=24
)
plt.show()

# %%
# The right answer of which it is least sure:

right = np.flatnonzero(predicted == y)
doubtful = right[probabilities[right].max(axis=1).argmin()]
side = round(np.sqrt(X.shape[1]))
PredictionDisplay(
    X[doubtful].reshape(side, side),
    probabilities[doubtful],
    search.classes_,
    y_pred=predicted[doubtful],
    y_true=y[doubtful],
).plot()
plt.show()
