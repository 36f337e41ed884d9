"""
==============================
Watch, stop, kill and continue
==============================

Long trainings are watched, stopped when they no longer help, and sometimes killed. Here a
network learns scikit-learn's digits with a progress bar, stops on validation rows, is
killed by the system in the middle of its work, and continues as if nothing had happened.
Callbacks need scikit-learn 1.9 or newer, its progress bar ``rich``, the history ``pandas``.
"""

# %%
# The data
# --------
# A quarter of the images decides when to stop; it is not trained on.

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.callback import ProgressBar
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skdigitnet import BackpropMLPClassifier
from skdigitnet.callbacks import Checkpoint, EarlyStopping, HistoryFrame, TimeLimit

X, y = load_digits(return_X_y=True)
X, X_val, y, y_val = train_test_split(X / 16, y, stratify=y, random_state=0)

# %%
# Watch
# -----
# A callback is set on the estimator; any number of them work together. The step rises and
# falls in one cycle, and a fifth of the hidden units are dropped in each epoch.

parameters = {
    "hidden_layer_sizes": (64,),
    "batch_size": 32,
    "learning_rate": "one_cycle",
    "learning_rate_init": 1.0,
    "dropout": 0.2,
    "max_iter": 100,
    "n_iter_no_change": np.inf,
    "random_state": 0,
}
watched = BackpropMLPClassifier(**parameters)
watched.set_callbacks(ProgressBar(), HistoryFrame())
watched.fit(X, y)
print(f"{watched.n_iter_} epochs, validation accuracy {watched.score(X_val, y_val):.4f}")
print(watched.history_.tail(3).to_string(index=False))

# %%
# Stop
# ----
# With a constant step there is no cycle to end. Training stops when the loss on the
# validation rows has not fallen for more than five epochs, and the best weights come back.
# A time limit stops before the epoch that would pass it.

constant = parameters | {"learning_rate": "constant", "learning_rate_init": 0.2}
stopped = BackpropMLPClassifier(**constant)
stopped.set_callbacks(EarlyStopping(X_val, y_val, scoring="loss", patience=5))
stopped.fit(X, y)
print(f"Stopped after {stopped.n_iter_} epochs; the best was {stopped.best_iteration_}")

in_time = BackpropMLPClassifier(**constant | {"max_iter": 1_000_000})
in_time.set_callbacks(TimeLimit(0.5))
start = time.perf_counter()
in_time.fit(X, y)
print(f"{in_time.n_iter_} epochs in {time.perf_counter() - start:.2f} s")

# %%
# Kill
# ----
# Another process trains with a checkpoint after every epoch, and waits a little in each so
# that it can be caught. It is killed as hard as the system can, without a chance to tidy up.

program = """
import time
from numpy import inf
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from skdigitnet import BackpropMLPClassifier
from skdigitnet.callbacks import Checkpoint

class Wait:
    def setup(self, estimator, context): pass
    def teardown(self, estimator, context): pass
    def on_fit_task_begin(self, estimator, context): pass
    def on_fit_task_end(self, estimator, context): time.sleep(0.02)

X, y = load_digits(return_X_y=True)
X, X_val, y, y_val = train_test_split(X / 16, y, stratify=y, random_state=0)
network = BackpropMLPClassifier(**{parameters})
network.set_callbacks(Checkpoint({folder!r}), Wait()).fit(X, y)
print("not killed")
"""
scratch = tempfile.TemporaryDirectory()
folder = Path(scratch.name)
program = program.format(parameters=parameters, folder=str(folder))
child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
while not list(folder.glob("*.npz")) and child.poll() is None:
    time.sleep(0.01)
time.sleep(0.5)
child.kill()
output, _ = child.communicate()
print(f"The process ended with {child.returncode} and said {output.decode()!r}")

# %%
# Continue
# --------
# The same fit finds its checkpoint and trains what is missing. The weights are those of the
# network above, which nobody disturbed, to the last bit.

continued = BackpropMLPClassifier(**parameters)
continued.set_callbacks(HistoryFrame(gradient_norm=True), Checkpoint(folder))
continued.fit(X, y)
n_before = continued.n_iter_ - len(continued.history_)
print(f"{n_before} epochs before it was killed, {len(continued.history_)} after")
same = all(np.array_equal(W, V) for W, V in zip(watched.coefs_, continued.coefs_, strict=True))
print(f"The same weights as without the kill, bit for bit: {same}")
scratch.cleanup()

# %%
# Look at the history
# -------------------
# Dropout makes the training loss noisier and higher than the network's own. The second part
# of the training, after the kill, has the norm of the gradient too.

history, rest = watched.history_, continued.history_
figure, (top, middle, bottom) = plt.subplots(
    3, 1, figsize=(7, 7), sharex=True, layout="constrained"
)
top.semilogy(history["epoch"], history["loss"], color="#0072b2")
top.set_ylabel("Training loss")
middle.plot(history["epoch"], history["learning_rate"], color="#d55e00")
middle.set_ylabel("Learning rate")
bottom.semilogy(rest["epoch"], rest["gradient_norm"], color="#009e73")
bottom.set(ylabel="Gradient norm", xlabel="Epoch")
for ax in (top, middle, bottom):
    ax.axvline(n_before + 0.5, color="black", linestyle=":", linewidth=1)
    ax.grid(alpha=0.3)
top.annotate(
    "killed", (n_before + 0.5, 1), xycoords=("data", "axes fraction"),
    xytext=(4, -12), textcoords="offset points",
)  # fmt: skip
figure.suptitle("One training, killed and continued")
