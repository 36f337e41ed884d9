"""
=================
Rows on a cluster
=================

L-BFGS on a Dask array: each worker computes the loss and the gradient of the rows that it
has. The weights do not depend on how many workers there are, to the last bit. The cluster of
this example is made of threads of one process; a real one is used in the same way.
"""

# %%
# The same fit on one worker and on three
# ---------------------------------------

import dask.array as da
import matplotlib.pyplot as plt
import numpy as np
from distributed import Client, LocalCluster
from sklearn.datasets import load_digits

from skdigitnet import BackpropMLPClassifier
from skdigitnet.dask import DaskBackpropMLPClassifier

X, y = load_digits(return_X_y=True)
X = X / 16
rows, labels = da.from_array(X, chunks=(500, 64)), da.from_array(y, chunks=500)
parameters = {"hidden_layer_sizes": (30,), "max_iter": 60, "tol": 1e-3, "random_state": 0}

fits = []
for n_workers in (1, 3):
    cluster = LocalCluster(
        n_workers=n_workers,
        threads_per_worker=1,
        processes=False,
        dashboard_address="127.0.0.1:0",
    )
    with cluster, Client(cluster):
        clf = DaskBackpropMLPClassifier(**parameters, block_rows=256).fit(rows, labels)
        accuracy = clf.score(rows, labels)
        fits.append(clf.to_local())

same = all(map(np.array_equal, fits[0].coefs_, fits[1].coefs_))
print(f"The same weights on one worker and on three: {same}")
print(f"Accuracy on the training rows, computed on the workers: {accuracy:.3f}")

# %%
# The same rows in memory
# -----------------------
# Sums of the same numbers in another order: the last digits of the weights differ, and with
# every iteration a little more.

in_memory = BackpropMLPClassifier(solver="lbfgs", **parameters).fit(X, y)
n_iter = min(in_memory.n_iter_, fits[0].n_iter_)
difference = np.abs(
    np.array(in_memory.loss_curve_[:n_iter]) - np.array(fits[0].loss_curve_[:n_iter])
)
print(f"The losses of {n_iter} iterations differ by at most {difference.max():.1e}")

fig, ax = plt.subplots(layout="constrained")
ax.plot(in_memory.loss_curve_, linewidth=6, alpha=0.3, label="rows in memory")
ax.plot(fits[0].loss_curve_, label="rows on workers")
ax.set(xlabel="iteration", ylabel="regularised loss", yscale="log")
ax.legend()
plt.show()
