"""Ready-made callbacks, for ``BackpropMLPClassifier.set_callbacks`` (scikit-learn 1.9)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from numbers import Integral, Real
from pathlib import Path

import numpy as np
from sklearn.metrics import get_scorer_names
from sklearn.utils._param_validation import Interval, Options, StrOptions, validate_params

from skdigitnet._problem.arguments import plain
from skdigitnet._problem.rows import check_validation_rows
from skdigitnet._system.files import remove_stale
from skdigitnet._training.callback_bridge import EPOCH
from skdigitnet._training.checkpoint import fingerprint, read_state, suits, write_state
from skdigitnet._training.run import Training

# the columns of HistoryFrame
HISTORY = ("epoch", "loss", "validation_score", "learning_rate", "gradient_norm", "seconds")

__all__ = ["Checkpoint", "EarlyStopping", "HistoryFrame", "TimeLimit"]


class _Callback:
    """A callback of BackpropMLPClassifier, with a hook for each event.

    One instance may serve many fits, even at the same time: what a callback keeps for a
    fit is in ``training.memory``.
    """

    def setup(self, estimator, context):
        """Before the fit."""
        if getattr(estimator, "_training", None) is None:
            raise TypeError(
                f"{type(self).__name__} is a callback for BackpropMLPClassifier, not for"
                f" {type(estimator).__name__}; set it on the classifier itself."
            )

    def teardown(self, estimator, context):
        """After the fit."""

    def on_fit_task_begin(self, estimator, context):
        """At the beginning of the fit and of each epoch or iteration."""
        if context.task_name != EPOCH:
            self._fit_begins(estimator, estimator._training)

    def on_fit_task_end(self, estimator, context):
        """At the end of each epoch or iteration and of the fit; True stops training."""
        if context.task_name == EPOCH:
            return self._epoch_ends(estimator._training)
        return self._fit_ends(estimator, estimator._training)

    @property
    def name(self) -> str:
        """The key of its rows in the records of the training state."""
        return type(self).__name__

    def _check_record(self, rows: list[tuple[float, ...]]) -> None:
        """Raise ValueError for rows that it cannot have recorded."""

    def _fit_begins(self, estimator, training: Training) -> None:
        pass

    def _epoch_ends(self, training: Training) -> bool | None:
        pass

    def _fit_ends(self, estimator, training: Training) -> None:
        pass


class EarlyStopping(_Callback):
    """Stop when a score on your own validation rows no longer improves.

    It is ``early_stopping=True`` with the settings given here, and sets the same
    attributes: ``validation_scores_``, ``best_validation_score_``, ``best_iteration_``.

    Parameters
    ----------
    X_val : {array-like, sparse matrix} of shape (n_val, n_features), default=None
        Validation rows, scaled as X is. None takes those that are given to ``fit``, which
        a Pipeline can scale.
    y_val : array-like of shape (n_val,) or (n_val, n_outputs), default=None
        Their labels.
    sample_weight_val : array-like of shape (n_val,), default=None
        Their weights; all ones by default.
    scoring : str or callable, default="accuracy"
        The name of a scorer, a scorer ``scoring(estimator, X, y)``, or "loss" for minus
        the loss without the penalty.
    patience : int or inf, default=10
        Training stops after more than this many consecutive epochs without an improvement.
    min_delta : float, default=1e-4
        An improvement is at least this much.
    restore_best : bool, default=True
        Whether to restore the weights of the best score at the end, or to keep the last
        ones.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import train_test_split
    >>> from skdigitnet import BackpropMLPClassifier
    >>> from skdigitnet.callbacks import EarlyStopping
    >>> X, y = load_digits(return_X_y=True)
    >>> X, X_val, y, y_val = train_test_split(X / 16, y, random_state=0)
    >>> clf = BackpropMLPClassifier(random_state=0)
    >>> clf = clf.set_callbacks(EarlyStopping(X_val, y_val, scoring="loss", patience=3))
    >>> clf.fit(X, y).best_iteration_ < clf.n_iter_
    True
    """

    @validate_params(
        {
            "X_val": "no_validation",
            "y_val": "no_validation",
            "sample_weight_val": "no_validation",
            "scoring": [StrOptions({"loss", *get_scorer_names()}), callable],
            "patience": [Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf})],
            "min_delta": [Interval(Real, 0, None, closed="left")],
            "restore_best": ["boolean"],
        },
        prefer_skip_nested_validation=True,
    )
    def __init__(
        self,
        X_val=None,
        y_val=None,
        *,
        sample_weight_val=None,
        scoring: str | Callable = "accuracy",
        patience=10,
        min_delta=1e-4,
        restore_best=True,
    ):
        self.X_val, self.y_val, self.sample_weight_val = X_val, y_val, sample_weight_val
        self.scoring, self.patience, self.min_delta = scoring, patience, min_delta
        self.restore_best = restore_best

    def setup(self, estimator, context):
        """Before the fit, and before a Checkpoint reads the stopping rule."""
        super().setup(estimator, context)
        training = estimator._training
        if estimator.early_stopping:
            raise ValueError(
                "early_stopping=True and the callback EarlyStopping do the same thing; set"
                " early_stopping=False."
            )
        rows = check_validation_rows(
            estimator,
            training.rows,
            training.labels,
            self.X_val,
            self.y_val,
            self.sample_weight_val,
        )
        rows = training.validation if rows is None else rows
        if rows is None:
            raise ValueError(
                "EarlyStopping has no validation rows: give X_val and y_val to it, or to fit."
            )
        training.given = replace(training.given, validation=rows)
        training.rule = replace(
            training.rule,
            tol=self.min_delta,
            patience=self.patience,
            scoring=plain(self.scoring),
            restore_best=self.restore_best,
        )


class TimeLimit(_Callback):
    """Stop before the epoch that would exceed a time limit.

    The next epoch is assumed to take as long as the last. At least one epoch is trained.

    Parameters
    ----------
    seconds : float
        From the beginning of training.
    """

    @validate_params(
        {"seconds": [Interval(Real, 0, None, closed="neither")]},
        prefer_skip_nested_validation=True,
    )
    def __init__(self, seconds):
        self.seconds = seconds

    def _epoch_ends(self, training: Training) -> bool:
        now, watch = time.monotonic(), training.watch
        return (now - watch.began) + (now - watch.epoch_began) > self.seconds


class HistoryFrame(_Callback):
    """Record every epoch or iteration in a pandas data frame.

    It is the attribute ``history_`` of the estimator, with a row for each and the columns

    - ``epoch``, from 1;
    - ``loss``, as in ``loss_curve_``;
    - ``validation_score``, as in ``validation_scores_``, or NaN;
    - ``learning_rate``, of SGD and Adam, or NaN;
    - ``gradient_norm``, the Euclidean norm of J's gradient over all training rows at the
      end of the epoch, or NaN;
    - ``seconds`` that it took.

    With ``warm_start`` or a :class:`Checkpoint` it continues with the training; pass it to
    ``set_callbacks`` before the Checkpoint, whose file then includes the last epoch's row.

    Parameters
    ----------
    gradient_norm : bool, default=False
        Whether to compute the gradient's norm, which takes about as long as the epoch.
    """

    @validate_params({"gradient_norm": ["boolean"]}, prefer_skip_nested_validation=True)
    def __init__(self, *, gradient_norm=False):
        self.gradient_norm = gradient_norm

    def setup(self, estimator, context):
        """Check for pandas before the fit, not after it."""
        super().setup(estimator, context)
        try:
            import pandas  # noqa: F401
        except ImportError as error:
            raise ImportError("HistoryFrame needs pandas: pip install pandas.") from error

    def _check_record(self, rows: list[tuple[float, ...]]) -> None:
        if not all(len(row) == len(HISTORY) and 0 <= row[0] < 2**53 for row in rows):
            raise ValueError(f"{self.name} has rows such as {rows[0]}")

    def _epoch_ends(self, training: Training) -> None:
        state, watch = training.state, training.watch
        seconds = time.monotonic() - watch.epoch_began
        score = state.curve.scores[-1] if watch.score is not None else np.nan
        norm = np.nan
        try:
            if self.gradient_norm:
                _, gradient = watch.objective.loss_and_gradient(state.theta)
                norm = float(np.linalg.norm(gradient))
        finally:  # keep the row on Ctrl-C
            loss, rate = state.curve.last, watch.learning_rate
            row = (float(state.n_iter), loss, score, rate, norm, seconds)
            state.records.setdefault(self.name, []).append(row)

    def _fit_ends(self, estimator, training: Training) -> None:
        import pandas as pd

        rows = training.state.records.get(self.name, [])
        frame = pd.DataFrame(rows, columns=list(HISTORY))
        estimator.history_ = frame.astype({"epoch": int})


class Checkpoint(_Callback):
    """Keep the state of training in a file, and resume from it.

    A fit that was killed, by Ctrl-C, by a signal or with the machine, resumes when it is
    run again, to the bits of an uninterrupted fit (SGD and Adam; L-BFGS continues from the
    weights, without its memory of past gradients). One that had ended returns at once, or
    continues if ``max_iter`` is now larger; if ``max_iter`` is smaller than the epochs in the
    file, the fit starts afresh and leaves the file untouched. A grid search that was killed
    therefore trains only what is missing.

    Parameters
    ----------
    path : str or path-like
        A folder, created if it is missing. Each fit has its own file in it, named after
        its parameters and data, so that the fits of a search do not collide and each finds
        its own again. Fits that give the same bits share a file, and so do fits that differ
        only in what ``random_state=None`` draws. Remove the folder to train from the start.
    every : int, default=1
        Epochs or iterations from one write to the next.

    Notes
    -----
    The file is written under another name, flushed to disk and renamed: at any moment it
    is complete, the previous or the new one. It contains only numbers; reading it executes
    no code.
    """

    @validate_params(
        {
            "path": "no_validation",
            "every": [Interval(Integral, 1, None, closed="left")],
        },
        prefer_skip_nested_validation=True,
    )
    def __init__(self, path, *, every=1):
        self.path, self.every = Path(path), every

    def _fit_begins(self, estimator, training: Training) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        key = fingerprint(estimator, training)
        file = self.path / f"{key}.npz"
        remove_stale(file)
        if file.exists():
            state = read_state(file, key)
            if not suits(state, training.network.n_params, training.rows.X):
                raise ValueError(f"{file} is a damaged checkpoint: it does not fit.")
            self._check_records(estimator, state.records, file)
            if state.n_iter_of_fit > estimator.max_iter:
                return  # training cannot be undone
            training.resume_from(replace(state, interrupted=False))
        training.memory[self] = key, file

    @staticmethod
    def _check_records(estimator, records: dict, file: Path) -> None:
        for callback in estimator._skl_callbacks:
            if isinstance(callback, _Callback):
                try:
                    callback._check_record(records.get(callback.name, []))
                except ValueError as error:
                    raise ValueError(f"{file} is a damaged checkpoint: {error}.") from error

    def _epoch_ends(self, training: Training) -> None:
        if training.state.n_iter_of_fit % self.every == 0:
            self._write(training)

    def _fit_ends(self, estimator, training: Training) -> None:
        self._write(training)

    def _write(self, training: Training) -> None:
        if self in training.memory:
            key, file = training.memory[self]
            write_state(file, training.kept_state(), key)
