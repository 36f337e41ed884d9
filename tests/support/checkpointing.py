"""Fits with checkpoints that are killed: what their tests share."""

import pytest
from resuming import digits, make

from skdigitnet._training.checkpoint import read_state
from skdigitnet.callbacks import Checkpoint


class Killed(BaseException):
    """Ends a process without a chance to tidy up."""


class AtEpochEnd:
    """A callback that does something after every epoch."""

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        if context.task_name == "epoch":
            self.act()


class KillAfter(AtEpochEnd):
    """Kills after this many epochs."""

    def __init__(self, n_epochs):
        self.n_left = n_epochs

    def act(self):
        self.n_left -= 1
        if self.n_left == 0:
            raise Killed


class NoteEpochs(AtEpochEnd):
    """Adds a byte to a file after every epoch, in whatever process."""

    def __init__(self, path):
        self.path = path

    def act(self):
        with open(self.path, "ab") as file:
            file.write(b".")


def fit(folder, *callbacks, rows=None, **parameters):
    """A network fitted with a checkpoint and with callbacks that come after it."""
    clf = make(**{"max_iter": 6, **parameters}).set_callbacks(Checkpoint(folder), *callbacks)
    X, y, *_ = digits()
    return clf.fit(**(rows or {"X": X, "y": y}))


def fit_killed(folder, n_epochs, **options):
    with pytest.raises(Killed):
        fit(folder, KillAfter(n_epochs), **options)


def files_in(folder):
    return sorted(folder.glob("*.npz"))


def file_in(folder):
    (path,) = files_in(folder)
    return path


def state_in(folder):
    path = file_in(folder)
    return read_state(path, path.stem)
