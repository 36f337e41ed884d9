"""
==================================
A study that survives being killed
==================================

A search over learning rates, penalties and numbers of epochs keeps every score in a journal.
It is killed by the system half-way, and the same script finishes it without training anything
twice. The curves of each fold and a heat map show what it found. The journal is read with
``pandas``.
"""

# %%
# The script
# ----------
# Candidates that differ only in ``max_iter`` share one training, so these 36 candidates are
# 12 trainings on each of five folds. ``journal`` names the file that keeps their scores.

import runpy
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone

from skdigitnet.model_selection import read_journal
from skdigitnet.plotting import SearchDisplay

program = """
from pathlib import Path
from numpy import inf
from sklearn.datasets import load_digits
from skdigitnet import BackpropMLPClassifier
from skdigitnet.model_selection import EpochGridSearchCV

X, y = load_digits(return_X_y=True)
X = X / 16
network = BackpropMLPClassifier(
    (30,), batch_size=32, n_iter_no_change=inf, weight_init="sklearn", random_state=0
)
grid = {
    "learning_rate_init": [0.03, 0.1, 0.3, 1.0],
    "alpha": [0.01, 0.1, 1.0],
    "max_iter": [10, 20, 40],
}
journal = Path(__file__).with_name("study.journal")
search = EpochGridSearchCV(network, grid, return_learning_curves=True, journal=journal)
search.fit(X, y)
print(f"The best of {len(search.cv_results_['params'])} candidates: {search.best_params_}")
"""
scratch = tempfile.TemporaryDirectory()
script, journal = Path(scratch.name, "study.py"), Path(scratch.name, "study.journal")
script.write_text(program)

# %%
# Kill it
# -------
# Another process runs the script. Meanwhile the journal is read, until it has half of the 180
# scores; then the process is killed as hard as the system can.

child = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE)
while child.poll() is None and not (journal.exists() and len(read_journal(journal)) >= 90):
    time.sleep(0.01)
child.kill()
output, _ = child.communicate()
print(f"The process ended with {child.returncode} and said {output.decode()!r}")

before = read_journal(journal)
print(f"{len(before)} scores are in the journal. The last of them:")
parameters = ["param_learning_rate_init", "param_alpha", "param_max_iter"]
print(before[[*parameters, "split", "test_score"]].tail(3).to_string(index=False))

# %%
# Run it again
# ------------
# The same script, here in this process. What the journal has is read from there, times
# included; the rest is trained.

names = runpy.run_path(str(script))
search = names["search"]
after = read_journal(journal)
kept = after[: len(before)].equals(before)
print(f"{len(after) - len(before)} scores were missing, the others as they were: {kept}")

# %%
# And nothing tells that it was ever killed: a search without a journal has the same bits.

whole = clone(search).set_params(journal=None, n_jobs=2).fit(names["X"], names["y"])
scores = "mean_test_score"
same = np.array_equal(search.cv_results_[scores], whole.cv_results_[scores])
print(f"The same scores as without the kill, bit for bit: {same}")
scratch.cleanup()

# %%
# The curves of each fold
# -----------------------
# ``return_learning_curves=True`` has scored every network after every epoch. One panel for each
# learning rate, with the best penalty. A small rate is slow, a large one restless. But the
# folds differ more than the rates do, and are hard or easy with all of them: so candidates are
# to be compared fold by fold, as ``compare_candidates`` does.

curves = search.learning_curves_["test_score"]
candidates, rates = search.cv_results_["params"], names["grid"]["learning_rate_init"]
figure, axes = plt.subplots(
    1, len(rates), figsize=(9, 3.6), sharex=True, sharey=True, layout="constrained"
)
colors = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9"]
for ax, rate in zip(axes, rates, strict=True):
    params = search.best_params_ | {"learning_rate_init": rate, "max_iter": 40}
    folds = curves[candidates.index(params)]
    epochs = np.arange(1, folds.shape[1] + 1)
    for number, (fold, color) in enumerate(zip(folds, colors, strict=True), start=1):
        ax.plot(epochs, fold, color=color, linewidth=1, label=f"fold {number}")
    ax.plot(epochs, folds.mean(axis=0), color="black", linewidth=2, label="mean")
    ax.set(title=f"learning rate {rate:g}", xlabel="Epoch", ylim=(0.8, 1))
    ax.grid(alpha=0.3)
axes[0].set_ylabel("Accuracy")
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=6)
plt.show()

# %%
# The heat map
# ------------
# The scores of all learning rates after 10, 20 and 40 epochs, from the same trainings.

SearchDisplay.from_search(search, parameters=["learning_rate_init", "max_iter"])
plt.show()
