"""scikit-learn's callbacks on the estimator, and the ones that come with it."""

import importlib.util
import io
import pickle
import sys
import threading
from contextlib import redirect_stdout

import numpy as np
import pandas as pd
import pytest
import reference
import sklearn
from estimators import bits, maker
from joblib import Parallel, delayed, parallel_config
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.metrics import f1_score, get_scorer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from skdigitnet._training import callback_bridge, published
from skdigitnet.callbacks import EarlyStopping, HistoryFrame, TimeLimit

sklearn_callback = pytest.importorskip(
    "sklearn.callback", reason="callbacks came with scikit-learn 1.9"
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

PIXELS, DIGITS = load_digits(return_X_y=True)
X, y = PIXELS[:200] / 16, DIGITS[:200]
X_VAL, Y_VAL = PIXELS[200:300] / 16, DIGITS[200:300]
NOISE = np.where(np.arange(100) % 4, Y_VAL, np.roll(Y_VAL, 1))  # so that one can overfit
WEIGHT = np.random.default_rng(0).uniform(0.5, 2, len(y))
WEIGHT_VAL = np.random.default_rng(1).uniform(0.5, 2, len(Y_VAL))

every_solver = pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
stochastic = pytest.mark.parametrize("solver", ["sgd", "adam"])


network = maker(hidden_layer_sizes=(8,), max_iter=4, tol=0, batch_size=50)


def make(*callbacks, **parameters):
    return network(**parameters).set_callbacks(*callbacks)


def go_on(n_epochs):
    return None


class Recorder:
    """Records its calls; ``at_end`` is asked at the end of each epoch."""

    def __init__(self, at_end=go_on):
        self.calls, self.begun, self.ended, self.arguments = [], [], [], []
        self.at_end = at_end

    def setup(self, estimator, context):
        self.calls.append(("setup", context.task_name))

    def teardown(self, estimator, context):
        self.calls.append(("teardown", context.task_name))

    def on_fit_task_begin(self, estimator, context, *, fitted_estimator, X, y, metadata):
        self.calls.append(("begin", context.task_name, context.task_id))
        self.arguments.append((X, y, metadata))
        self.begun.append(fitted_estimator)

    def on_fit_task_end(self, estimator, context, *, fitted_estimator, X, y, metadata):
        self.calls.append(("end", context.task_name, context.task_id))
        self.arguments.append((X, y, metadata))
        if context.task_name == "epoch":
            self.ended.append(fitted_estimator)
            return self.at_end(len(self.ended))
        return True  # the fit has ended anyway


class Failing(Recorder):
    """Raises at one of its hooks for a task of that name."""

    def __init__(self, hook, task_name):
        super().__init__()
        self.failing = hook, task_name

    def _fail(self, hook, context):
        if (hook, context.task_name) == self.failing:
            raise ZeroDivisionError(hook)

    def setup(self, estimator, context):
        self._fail("setup", context)

    def on_fit_task_begin(self, estimator, context):
        self._fail("begin", context)

    def on_fit_task_end(self, estimator, context):
        self._fail("end", context)


# The hooks


def epochs(n):
    return [(hook, "epoch", i) for i in range(n) for hook in ("begin", "end")]


def whole_fit(n_epochs):
    return [
        ("setup", "fit"), ("begin", "fit", 0), *epochs(n_epochs), ("end", "fit", 0),
        ("teardown", "fit"),
    ]  # fmt: skip


@every_solver
@pytest.mark.parametrize("max_iter", [1, 4])
def test_every_hook_is_called_in_order(solver, max_iter):
    recorder = Recorder()
    make(recorder, solver=solver, max_iter=max_iter).fit(X, y)
    assert recorder.calls == whole_fit(max_iter)


@every_solver
def test_fit_that_converges_has_as_many_epochs_as_it_took(solver):
    recorder = Recorder()
    clf = make(recorder, solver=solver, max_iter=500, tol=0.02, n_iter_no_change=1).fit(X, y)
    assert 1 < clf.n_iter_ < 500
    assert recorder.calls == whole_fit(clf.n_iter_)


def test_lbfgs_at_a_minimum_ends_no_iteration():
    recorder = Recorder()
    # where the loss is below a constant's, a gradient below tol ends training
    learned = make(solver="lbfgs", max_iter=30).fit(X, y)
    clf = make(recorder, solver="lbfgs", tol=1e9)
    clf.fit(X, y, coef_init=learned.coefs_, intercept_init=learned.intercepts_)
    assert clf.n_iter_ == 0
    assert recorder.calls == [*whole_fit(0)[:2], ("begin", "epoch", 0), *whole_fit(0)[2:]]


@every_solver
def test_callbacks_change_no_bit(solver):
    with_callbacks = make(Recorder(), HistoryFrame(gradient_norm=True), solver=solver)
    assert bits(with_callbacks.fit(X, y)) == bits(make(solver=solver).fit(X, y))


@every_solver
@pytest.mark.parametrize(
    "form", [np.asarray, sparse.csr_array, pd.DataFrame, np.ndarray.tolist]
)
def test_data_are_those_that_fit_was_given(solver, form):
    recorder, rows, labels, weight = Recorder(), form(X), pd.Series(y), WEIGHT.tolist()
    clf = make(recorder, solver=solver, max_iter=2)
    clf.fit(rows, labels, sample_weight=weight)
    assert len(recorder.arguments) == 6
    for given, given_labels, metadata in recorder.arguments:
        assert given is rows
        assert given_labels is labels
        assert metadata.keys() == {"sample_weight"}
        assert metadata["sample_weight"] is weight
    recorder.arguments.clear()
    clf.fit(rows, labels)
    assert [metadata for _, _, metadata in recorder.arguments] == 6 * [{}]


@every_solver
@pytest.mark.parametrize("early_stopping", [False, True])
def test_fitted_estimator_is_a_fit_that_ended_there(solver, early_stopping):
    recorder = Recorder()
    parameters = {"solver": solver, "early_stopping": early_stopping}
    clf = make(recorder, **parameters).fit(X, y)
    rows, not_one = pd.DataFrame(X), {id(clf)}
    for n, (before, after) in enumerate(zip(recorder.begun[1:], recorder.ended, strict=True)):
        separate = make(max_iter=n + 1, **parameters).fit(X, y)
        assert bits(after) == bits(separate)
        assert after.validation_scores_ == separate.validation_scores_
        assert after.n_iter_ == before.n_iter_ + 1 == n + 1
        np.testing.assert_array_equal(after.predict_proba(X), separate.predict_proba(X))
        np.testing.assert_array_equal(after.predict(rows), separate.predict(rows))
        if n > 0:
            assert bits(before) == bits(recorder.ended[n - 1])
        not_one |= {id(before), id(after)}
    assert len(not_one) == 9  # each its own
    assert bits(recorder.ended[-1]) == bits(clf)


@every_solver
def test_fitted_estimator_can_be_saved_while_training_continues(solver):
    saved = []

    class Saving(Recorder):  # and cannot be pickled itself
        def on_fit_task_end(self, estimator, context, *, fitted_estimator):
            saved.append(pickle.dumps(fitted_estimator.set_callbacks()))

    make(Saving(), solver=solver).fit(X, y)
    for n in range(4):
        separate = make(solver=solver, max_iter=n + 1).fit(X, y)
        assert bits(pickle.loads(saved[n])) == bits(separate)


def test_fitted_estimator_may_be_fitted_while_training_continues():
    class Fitting(Recorder):
        def on_fit_task_end(self, estimator, context, *, fitted_estimator):
            fitted_estimator.set_callbacks().fit(X_VAL, Y_VAL)

    fitting = Fitting()
    assert bits(make(fitting).fit(X, y)) == bits(make().fit(X, y))
    assert fitting.calls.count(("teardown", "fit")) == 1


@every_solver
def test_fitted_estimator_knows_nothing_of_an_earlier_fit(solver):
    names = [f"pixel {i}" for i in range(X.shape[1])]
    clf = make(HistoryFrame(), solver=solver, warm_start=True, max_iter=2)
    clf.fit(pd.DataFrame(X, columns=names), y)
    recorder = Recorder()
    clf.set_params(warm_start=False).set_callbacks(recorder).fit(X[:, :9], y)
    for fitted in (*recorder.begun, *recorder.ended):
        fitted.predict(X[:, :9])  # with no warning about names
        assert fitted.n_features_in_ == 9
        assert getattr(fitted, "history_", None) is None
    again = recorder.ended[0].set_params(warm_start=True).fit(X[:, :9], y)
    assert again.n_iter_ == 3


@every_solver
@pytest.mark.parametrize("at_end", [lambda n: n == 2, lambda n: np.True_ if n == 2 else None])
def test_true_at_the_end_of_an_epoch_stops(solver, at_end):
    recorder, other = Recorder(at_end), Recorder()
    clf = make(recorder, other, solver=solver).fit(X, y)
    assert recorder.calls == other.calls == whole_fit(2)
    assert bits(clf) == bits(make(solver=solver, max_iter=2).fit(X, y))


@every_solver
@pytest.mark.filterwarnings("error")
def test_no_warning_after_an_intended_end(solver):
    for n in (1, 4):
        assert make(Recorder(lambda k, n=n: k == n), solver=solver).fit(X, y).n_iter_ == n


@every_solver
@pytest.mark.parametrize(
    ("hook", "task_name"),
    [("setup", "fit"), ("begin", "fit"), ("begin", "epoch"), ("end", "epoch")],
)
def test_hook_that_raises_leaves_the_estimator_as_it_was(solver, hook, task_name):
    random_state = np.random.RandomState(0)
    fresh, recorder = make(solver=solver).set_params(random_state=random_state), Recorder()
    known = {*fresh.get_params(), "_skl_callbacks"}
    with pytest.raises(ZeroDivisionError, match=hook):
        fresh.set_callbacks(recorder, Failing(hook, task_name)).fit(X, y)
    assert vars(fresh).keys() == known
    assert recorder.calls[-1] == ("teardown", "fit")
    assert random_state.randint(2**31) == np.random.RandomState(0).randint(2**31)
    fitted = make(solver=solver, max_iter=2).fit(X, y)
    before = bits(fitted)
    with pytest.raises(ZeroDivisionError, match=hook):
        fitted.set_params(max_iter=4).set_callbacks(Failing(hook, task_name)).fit(X, y)
    assert bits(fitted) == before
    assert bits(fitted.set_callbacks().fit(X, y)) == bits(make(solver=solver).fit(X, y))


@pytest.mark.parametrize("n_callbacks", [0, 2])
@every_solver
def test_without_callbacks_nothing_is_made_for_them(monkeypatch, solver, n_callbacks):
    counts = {"published": 0, "contexts": 0}
    attributes = published._attributes
    subcontext = sklearn_callback.CallbackContext.subcontext

    def counting_attributes(*arguments):
        counts["published"] += 1
        return attributes(*arguments)

    def counting_subcontext(*args, **kwargs):
        counts["contexts"] += 1
        return subcontext(*args, **kwargs)

    monkeypatch.setattr(published, "_attributes", counting_attributes)
    monkeypatch.setattr(sklearn_callback.CallbackContext, "subcontext", counting_subcontext)
    make(*(Recorder() for _ in range(n_callbacks)), solver=solver).fit(X, y)
    if n_callbacks == 0:
        assert counts == {"published": 1, "contexts": 0}
    else:  # once for each hook, however many callbacks there are
        assert counts == {"published": 1 + 2 * (4 + 1), "contexts": 4}
    counts["published"] = 0
    make(TimeLimit(1e9), EarlyStopping(X, y), HistoryFrame(), solver=solver).fit(X, y)
    assert counts["published"] == 1  # these do not ask for it


def test_partial_fit_calls_none():
    recorder = Recorder()
    make(recorder, HistoryFrame()).partial_fit(X, y, classes=np.arange(10))
    assert recorder.calls == []


@every_solver
def test_callbacks_are_set_replaced_and_removed(solver):
    first, second = Recorder(), Recorder()
    clf = make(first, solver=solver).set_callbacks(second).fit(X, y)
    assert (first.calls, second.calls) == ([], whole_fit(4))
    second.calls.clear()
    clf.set_callbacks().fit(X, y)
    assert second.calls == []
    for wrong in (TimeLimit, "TimeLimit", None, object()):
        with pytest.raises(TypeError, match="FitCallback"):
            clf.set_callbacks(wrong)


def test_clones_and_pickles_keep_their_callbacks():
    recorder = Recorder()
    clone(make(recorder)).fit(X, y)
    assert recorder.calls == whole_fit(4)
    stopping = EarlyStopping(X_VAL, Y_VAL, patience=2, scoring="loss")
    clf = make(stopping, HistoryFrame(), TimeLimit(1e9)).fit(X, y)
    again = pickle.loads(pickle.dumps(clf))
    pd.testing.assert_frame_equal(again.history_, clf.history_)
    assert bits(again.fit(X, y)) == bits(clf)
    assert again.validation_scores_ == clf.validation_scores_
    assert again.history_.columns.tolist() == clf.history_.columns.tolist()


def test_before_scikit_learn_1_9_there_are_no_callbacks(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.callback", None)  # cannot be imported
    spec = importlib.util.spec_from_file_location("without_callbacks", callback_bridge.__file__)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    estimator = module.CallbackSupportMixin()
    for callbacks in ((), (TimeLimit(1),)):
        with pytest.raises(RuntimeError, match=r"1\.9 or newer; this is scikit-learn"):
            estimator.set_callbacks(*callbacks)
    assert not module.has_callbacks(estimator)
    task = module.FitTask(estimator, X, y, None, published=dict, fitted=None)
    task.begin(3)
    task.begin_epoch()
    assert task.end_epoch() is False
    task.end()


# scikit-learn's own callbacks


@every_solver
@pytest.mark.parametrize("form", ["array", "frame"])
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["even", "weighted"])
def test_scoring_monitor(solver, form, weight):
    rows = X if form == "array" else pd.DataFrame(X).rename(columns=str)
    names = ["accuracy", "f1_macro", "neg_log_loss"]
    monitor = sklearn_callback.ScoringMonitor(scoring=names)
    make(monitor, solver=solver).fit(rows, y, sample_weight=weight)
    log = pd.DataFrame(monitor.get_logs(select="most_recent").data)
    by_epoch = log[log.task_name == "epoch"].sort_values("task_id")
    assert by_epoch.task_id.tolist() == [0, 1, 2, 3]
    for n, scores in enumerate(by_epoch[names].to_numpy()):
        clf = make(solver=solver, max_iter=n + 1).fit(rows, y, sample_weight=weight)
        expected = [get_scorer(name)(clf, rows, y, sample_weight=weight) for name in names]
        np.testing.assert_allclose(scores, expected, rtol=1e-12)


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_scoring_monitor_within_a_search(n_jobs):
    monitor = sklearn_callback.ScoringMonitor(scoring="accuracy")
    search = GridSearchCV(make(monitor), {"alpha": [0, 1]}, cv=2, n_jobs=n_jobs).fit(X, y)
    runs = [pd.DataFrame(log.data) for log in monitor.get_logs(select="all")]
    by_epoch = pd.concat(runs).query("task_name == 'epoch'")
    # two candidates in two folds, and the best again
    assert by_epoch.task_id.tolist() == 5 * [0, 1, 2, 3]
    assert search.score(X, y) in by_epoch.accuracy.tolist()


@pytest.fixture
def drawn(monkeypatch):
    """Fits with a ProgressBar around everything and returns the bars drawn in the end."""
    pytest.importorskip("rich", reason="ProgressBar needs rich")
    monkeypatch.setenv("COLUMNS", "160")

    def fit(estimator):
        bar = sklearn_callback.ProgressBar(max_propagation_depth=None)
        with redirect_stdout(io.StringIO()) as out:
            estimator.set_callbacks(bar).fit(X, y)
        return out.getvalue().splitlines()

    return fit


@every_solver
@pytest.mark.parametrize("max_iter", [1, 4, 500])
def test_progress_bar(drawn, solver, max_iter):
    clf = make(solver=solver, max_iter=max_iter, tol=0.02)  # the last one converges
    (bar,) = drawn(clf)
    assert bar.startswith("BackpropMLPClassifier - fit")
    assert "100%" in bar
    assert bits(clf) == bits(make(solver=solver, max_iter=max_iter, tol=0.02).fit(X, y))


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_progress_bar_around_a_search_and_a_pipeline(drawn, n_jobs):
    pipe = make_pipeline(StandardScaler(), make(HistoryFrame()))
    grid = {"backpropmlpclassifier__alpha": [0, 1]}
    search = GridSearchCV(pipe, grid, cv=2, n_jobs=n_jobs)
    bars = drawn(search)
    assert bars[0].startswith("GridSearchCV - fit")
    ours = [bar for bar in bars if "| BackpropMLPClassifier - fit" in bar]
    assert len(ours) == 5  # two candidates in two folds, and the best again
    assert all("100%" in bar for bar in bars)
    expected = GridSearchCV(pipe, grid, cv=2).fit(X, y)
    for name in ("mean_test_score", "std_test_score"):
        np.testing.assert_array_equal(search.cv_results_[name], expected.cv_results_[name])
    assert len(search.best_estimator_[-1].history_) == 4


# EarlyStopping


@every_solver
@pytest.mark.parametrize("scoring", ["accuracy", "loss", "f1_macro"])
@pytest.mark.parametrize(("patience", "min_delta"), [(1, 1e-4), (3, 0.0), (2, 0.05)])
def test_is_early_stopping_with_these_settings(solver, scoring, patience, min_delta):
    given = {"X_val": X_VAL, "y_val": NOISE, "sample_weight_val": WEIGHT_VAL}
    settings = {"patience": patience, "min_delta": min_delta, "scoring": scoring}
    parameters = {"solver": solver, "max_iter": 150}
    expected = make(
        early_stopping=True, scoring=scoring, tol=min_delta, n_iter_no_change=patience,
        **parameters,
    ).fit(X, y, **given)  # fmt: skip
    assert expected.n_iter_ < 150
    for clf in (
        make(EarlyStopping(**given, **settings), **parameters).fit(X, y),
        make(EarlyStopping(**settings), **parameters).fit(X, y, **given),
        # those of the callback come first
        make(EarlyStopping(**given, **settings), **parameters).fit(X, y, X_val=X, y_val=y),
    ):
        assert bits(clf) == bits(expected)
        for name in ("validation_scores_", "best_validation_score_", "best_iteration_"):
            assert getattr(clf, name) == getattr(expected, name)
        assert clf.best_loss_ is None


@every_solver
def test_the_last_weights_stay_if_the_best_are_not_wanted(solver):
    parameters = {"solver": solver, "learning_rate": "constant", "learning_rate_init": 0.1}
    noise = np.roll(Y_VAL, 1)
    clf = make(
        EarlyStopping(X_VAL, noise, restore_best=False, patience=3), max_iter=60, **parameters
    )
    clf.fit(X, y)
    assert clf.best_iteration_ == np.argmax(clf.validation_scores_) + 1 < clf.n_iter_
    assert clf.best_validation_score_ == max(clf.validation_scores_)
    last = make(max_iter=clf.n_iter_, **parameters).fit(X, y)
    assert bits(clf) == bits(last)


def test_other_callbacks_look_at_the_best_weights():
    recorder = Recorder()
    make(EarlyStopping(X_VAL, np.roll(Y_VAL, 1)), recorder, max_iter=15).fit(X, y)
    for fitted in recorder.ended:
        score = fitted.score(X_VAL, np.roll(Y_VAL, 1))
        assert fitted.best_validation_score_ == max(fitted.validation_scores_) == score


def test_stopped_fit_can_be_resumed():
    settings = {"patience": 4, "scoring": "loss"}
    whole = make(EarlyStopping(X_VAL, Y_VAL, **settings), max_iter=60).fit(X, y)
    parts = make(EarlyStopping(X_VAL, Y_VAL, **settings), max_iter=1, warm_start=True)
    for _ in range(whole.n_iter_):
        parts.fit(X, y)
    assert bits(parts) == bits(whole)
    assert parts.validation_scores_ == whole.validation_scores_


def test_early_stopping_in_a_pipeline_scores_scaled_rows():
    with sklearn.config_context(enable_metadata_routing=True):
        clf = make(EarlyStopping(scoring="loss", patience=1), max_iter=40)
        clf.set_fit_request(X_val=True, y_val=True)
        pipe = Pipeline([("scale", StandardScaler()), ("mlp", clf)], transform_input=["X_val"])
        pipe.fit(PIXELS[:200], y, X_val=PIXELS[200:300], y_val=Y_VAL)
    scaler = StandardScaler().fit(PIXELS[:200])
    stopping = EarlyStopping(
        scaler.transform(PIXELS[200:300]), Y_VAL, scoring="loss", patience=1
    )
    by_hand = make(stopping, max_iter=40).fit(scaler.transform(PIXELS[:200]), y)
    assert bits(pipe["mlp"]) == bits(by_hand)
    assert pipe["mlp"].best_iteration_ == by_hand.best_iteration_


def test_own_scorer_with_early_stopping():
    def macro(estimator, X, y):
        return f1_score(y, estimator.predict(X), average="macro")

    one, other = (
        make(EarlyStopping(X_VAL, Y_VAL, scoring=scoring)).fit(X, y)
        for scoring in (macro, "f1_macro")
    )
    assert one.validation_scores_ == other.validation_scores_


@pytest.mark.parametrize(
    ("callback", "parameters", "error", "message"),
    [
        (lambda: EarlyStopping(), {}, ValueError, "no validation rows: give X_val and y_val"),
        (lambda: EarlyStopping(X_VAL), {}, ValueError, "X_val is given without y_val"),
        (lambda: EarlyStopping(X_VAL[:, 1:], Y_VAL), {}, ValueError, "X_val or y_val.*63 fea"),
        (lambda: EarlyStopping(X_VAL, Y_VAL + 9), {}, ValueError, "X_val or y_val.*among the"),
        (
            lambda: EarlyStopping(X_VAL, Y_VAL, sample_weight_val=-WEIGHT_VAL), {}, ValueError,
            "sample_weight_val must not be negative",
        ),
        (
            lambda: EarlyStopping(X_VAL, Y_VAL), {"early_stopping": True}, ValueError,
            "early_stopping=True and the callback EarlyStopping do the same",
        ),
        (
            lambda: EarlyStopping(X_VAL, Y_VAL, scoring=lambda e, X, y: np.nan), {}, ValueError,
            "scoring=.* gave nan",
        ),
    ],
)  # fmt: skip
@every_solver
def test_impossible_early_stopping(solver, callback, parameters, error, message):
    clf = make(solver=solver).fit(X, y)
    before = bits(clf)
    clf.set_params(**parameters).set_callbacks(callback())
    with pytest.raises(error, match=message):
        clf.fit(X, y)
    assert bits(clf) == before
    assert not hasattr(clf, "_training")


NOT_FOR_THEM = {
    "scoring": (EarlyStopping, ["mean", None, 3]),
    "patience": (EarlyStopping, [0, 1.5, "ten", None]),
    "min_delta": (EarlyStopping, [-1e-9, "small", None, np.nan]),
    "restore_best": (EarlyStopping, ["yes", None, 2]),
    "seconds": (TimeLimit, [0, -1, "ten", None, np.nan]),
    "gradient_norm": (HistoryFrame, ["yes", None, 2]),
}


@pytest.mark.parametrize("name", NOT_FOR_THEM)
def test_error_names_the_argument(name):
    callback, values = NOT_FOR_THEM[name]
    for value in values:
        with pytest.raises(ValueError, match=f"'{name}' parameter of {callback.__name__}"):
            callback(**{name: value})


@pytest.mark.parametrize("callback", [EarlyStopping(X, y), TimeLimit(9), HistoryFrame()])
def test_callback_on_something_else(callback):
    search = GridSearchCV(make(), {"alpha": [0]}, cv=2).set_callbacks(callback)
    message = f"{type(callback).__name__} is a callback for BackpropMLP.*, not for GridSearchCV"
    with pytest.raises(TypeError, match=message):
        search.fit(X, y)


# TimeLimit and HistoryFrame, by a clock that the test turns


class Clock:
    """Every epoch takes as long as ``epochs`` says; nothing else takes any time."""

    def __init__(self, monkeypatch, epochs):
        self.now, self.epochs = 1000.0, iter(epochs)
        monkeypatch.setattr("time.monotonic", lambda: self.now)

    def setup(self, estimator, context):
        pass

    teardown = on_fit_task_begin = setup

    def on_fit_task_end(self, estimator, context):
        if context.task_name == "epoch":
            self.now += next(self.epochs)


@every_solver
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("seconds", "epochs", "n_iter"),
    [
        (10.0, [3.0] * 9, 3),  # a fourth would take it to 12
        (12.0, [3.0] * 9, 4),  # to the limit, not past it
        (11.9, [3.0] * 9, 3),
        (10.0, [1.0, 5.0, 5.0], 2),  # the next one is taken to be as long as the last
        (10.0, [5.0, 1.0, 1.0, 1.0, 1.0, 1.0, 9.0], 6),
        (1.0, [50.0], 1),  # one is always trained
        (1e-9, [50.0], 1),
    ],
    ids=str,
)
def test_time_limit(monkeypatch, solver, seconds, epochs, n_iter):
    clf = make(Clock(monkeypatch, epochs), TimeLimit(seconds), solver=solver, max_iter=9)
    clf.fit(X, y)
    assert clf.n_iter_ == n_iter
    monkeypatch.undo()
    with pytest.warns(sklearn.exceptions.ConvergenceWarning):
        assert bits(clf) == bits(make(solver=solver, max_iter=n_iter).fit(X, y))


@every_solver
def test_time_limit_that_is_not_reached(solver):
    clf = make(TimeLimit(1e9), solver=solver)
    with pytest.warns(sklearn.exceptions.ConvergenceWarning, match="max_iter=4"):
        assert bits(clf.fit(X, y)) == bits(make(solver=solver).fit(X, y))


def test_time_limit_is_for_each_fit(monkeypatch):
    clf = make(Clock(monkeypatch, [3.0] * 9), TimeLimit(10.0), max_iter=9, warm_start=True)
    assert [clf.fit(X, y).n_iter_ for _ in range(3)] == [3, 6, 9]


COLUMNS = ["epoch", "loss", "validation_score", "learning_rate", "gradient_norm", "seconds"]


def gradient_norm(clf, rows, weight):
    network = reference.Network((X.shape[1], 8, 10))
    theta = network.pack(clf.coefs_, clf.intercepts_)
    t, decay = reference.one_hot(y[rows], 10), clf.alpha / weight.sum()
    _, gradient = network.objective(theta, X[rows], t, weight, decay)
    return np.linalg.norm(gradient)


@every_solver
def test_history_has_the_results_of_every_epoch(monkeypatch, solver):
    recorder, durations = Recorder(), [3.0, 1.0, 2.5, 0.5]
    clf = make(
        Clock(monkeypatch, durations), HistoryFrame(gradient_norm=True), recorder,
        solver=solver, alpha=2.0,
    ).fit(X, y, sample_weight=WEIGHT)  # fmt: skip
    history = clf.history_
    assert history.columns.tolist() == COLUMNS
    assert history.epoch.dtype == int
    assert history.epoch.tolist() == [1, 2, 3, 4]
    assert history.loss.tolist() == clf.loss_curve_
    assert history.seconds.tolist() == durations
    assert history.validation_score.isna().all()
    rate = {"sgd": 0.5, "adam": 0.02, "lbfgs": np.nan}[solver]
    np.testing.assert_array_equal(history.learning_rate, 4 * [rate])
    norms = [gradient_norm(fitted, np.arange(len(y)), WEIGHT) for fitted in recorder.ended]
    np.testing.assert_allclose(history.gradient_norm, norms, rtol=1e-9)


@every_solver
def test_history_without_the_gradient_and_with_a_score(solver):
    clf = make(HistoryFrame(), EarlyStopping(X_VAL, Y_VAL, scoring="loss"), solver=solver)
    history = clf.fit(X, y).history_
    assert history.gradient_norm.isna().all()
    assert history.validation_score.tolist() == clf.validation_scores_
    held_out = make(HistoryFrame(), early_stopping=True, solver=solver).fit(X, y)
    assert held_out.history_.validation_score.tolist() == held_out.validation_scores_


NEVER_IMPROVES = {"tol": 1e9, "n_iter_no_change": 1, "batch_size": 10}


@pytest.mark.parametrize(
    ("parameters", "rates"),
    [
        ({"learning_rate": "linear"}, [0.4, 0.3, 0.2, 0.1]),
        ({"learning_rate": "step", "solver": "adam"}, [0.4, 0.4, 0.04, 0.004]),
        ({"learning_rate": lambda s: 2 * s}, [0.0, 0.2, 0.4, 0.6]),
        ({"learning_rate": "invscaling"}, 0.4 / np.sqrt(200 * np.arange(4) + 1)),
        # after the first, no loss is lower by so much: cut when two epochs have passed
        ({"learning_rate": "adaptive", **NEVER_IMPROVES}, [0.4, 0.4, 0.4, 0.08]),
        (
            {"learning_rate": "auto", **NEVER_IMPROVES},
            [0.4, 0.4, 0.4, 0.08, 0.08, 0.016, 0.016],
        ),
        ({"learning_rate": "auto", "solver": "adam", "max_iter": 3}, [0.4, 0.4, 0.4]),
    ],
)
def test_history_has_the_learning_rate_of_each_epoch(parameters, rates):
    parameters = {"max_iter": len(rates), "learning_rate_init": 0.4, **parameters}
    clf = make(HistoryFrame(), **parameters).fit(X, y)
    np.testing.assert_allclose(clf.history_.learning_rate, rates, rtol=1e-12)


@stochastic
def test_gradient_is_of_the_whole_network_and_the_training_rows_alone(solver):
    clf = make(
        HistoryFrame(gradient_norm=True), solver=solver, dropout=0.5, early_stopping=True,
        warm_start=True,
    ).fit(X, y)  # fmt: skip
    rows = clf._training_state.epoch.order
    of_best = clf.history_.gradient_norm[clf.best_iteration_ - 1]
    assert of_best == pytest.approx(gradient_norm(clf, rows, np.ones(len(rows))), rel=1e-9)


@stochastic
def test_history_continues_with_a_warm_start(solver):
    clf = make(HistoryFrame(), solver=solver, warm_start=True)
    first = clf.fit(X, y).history_
    both = clf.fit(X, y).history_
    assert both.epoch.tolist() == list(range(1, 9))
    assert both.loss.tolist() == clf.loss_curve_
    pd.testing.assert_frame_equal(both[:4], first)
    assert first is not both
    assert clf.set_params(warm_start=False).fit(X, y).history_.epoch.tolist() == [1, 2, 3, 4]


@every_solver
def test_history_of_an_earlier_fit_is_removed(solver):
    clf = make(HistoryFrame(), solver=solver).fit(X, y)
    clf.set_callbacks().fit(X, y)
    assert not hasattr(clf, "history_")


def test_history_of_a_search_is_that_of_the_best():
    search = GridSearchCV(make(HistoryFrame()), {"alpha": [0, 1]}, cv=2).fit(X, y)
    assert search.best_estimator_.history_.loss.tolist() == search.best_estimator_.loss_curve_


def test_history_without_pandas(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    clf = make(HistoryFrame())
    with pytest.raises(ImportError, match="HistoryFrame needs pandas"):
        clf.fit(X, y)
    assert not hasattr(clf, "coefs_")


# Several fits at once


def test_one_callback_serves_fits_in_several_threads():
    barrier = threading.Barrier(2)  # two fits are at work at the same time, epoch by epoch
    in_step = Recorder(lambda n: barrier.wait(30) < 0)
    stopping = EarlyStopping(X_VAL, Y_VAL, patience=50)
    shared = [stopping, HistoryFrame(), TimeLimit(1e9), in_step]
    estimators = [make(*shared, alpha=alpha, max_iter=6) for alpha in (0, 1, 2, 3)]
    with parallel_config(backend="threading"):
        fits = (delayed(clf.fit)(X, y) for clf in estimators)
        together = Parallel(n_jobs=2, batch_size=1)(fits)
    assert len(in_step.ended) == 24
    for clf in together:
        alone = make(stopping, alpha=clf.alpha, max_iter=6).fit(X, y)
        assert bits(clf) == bits(alone)
        assert clf.validation_scores_ == alone.validation_scores_
        assert clf.history_.epoch.tolist() == [1, 2, 3, 4, 5, 6]
        assert clf.history_.loss.tolist() == clf.loss_curve_
        assert clf.history_.validation_score.tolist() == clf.validation_scores_
