"""X_val, y_val and scoring: what early stopping looks at, and that nothing leaks from it."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from estimators import bits, maker, target
from scipy import sparse
from sklearn.datasets import load_digits
from sklearn.metrics import f1_score, get_scorer, get_scorer_names, log_loss, make_scorer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

PIXELS, DIGITS = load_digits(return_X_y=True)
X, y = PIXELS[:300] / 16, DIGITS[:300]
X_VAL, Y_VAL = PIXELS[300:420] / 16, DIGITS[300:420]
RNG = np.random.default_rng(0)
WEIGHT, WEIGHT_VAL = RNG.uniform(0.2, 3, len(y)), RNG.uniform(0.2, 3, len(Y_VAL))

SOLVERS = ["sgd", "adam", "lbfgs"]
every_solver = pytest.mark.parametrize("solver", SOLVERS)
KINDS = ["binary", "multiclass", "multilabel"]
every_kind = pytest.mark.parametrize("kind", KINDS)


make = maker(hidden_layer_sizes=(10,), early_stopping=True, max_iter=5, tol=0, batch_size=50)


UNEQUAL = {"multilabel": [{0: 1, 1: 3}, {0: 2}, {}]}  # class weights
UNEQUAL["binary"] = UNEQUAL["multiclass"] = {0: 0.1, 1: 3}


def f1_macro(estimator, X, y, sample_weight=None):
    return f1_score(y, estimator.predict(X), average="macro", sample_weight=sample_weight)


# The rows


@every_solver
@every_kind
@pytest.mark.parametrize("scoring", ["accuracy", "loss", "f1_macro"])
@pytest.mark.parametrize("class_weight", [False, True])
def test_as_good_as_rows_that_are_held_out(solver, kind, scoring, class_weight):
    class_weight = UNEQUAL[kind] if class_weight else None
    clf = make(
        solver=solver, scoring=scoring, class_weight=class_weight, validation_fraction=0.3,
        shuffle=False, warm_start=True,
    )  # fmt: skip
    labels = target(kind, y)
    clf.fit(X, labels, sample_weight=WEIGHT)
    rest, held_out = clf._training_state.epoch.order, clf._training_state.epoch.held_out
    given = make(solver=solver, scoring=scoring, class_weight=class_weight, shuffle=False)
    given.fit(
        X[rest], labels[rest], WEIGHT[rest],
        X_val=X[held_out], y_val=labels[held_out], sample_weight_val=WEIGHT[held_out],
    )  # fmt: skip
    assert bits(given) == bits(clf)
    assert given.validation_scores_ == clf.validation_scores_
    assert given.best_iteration_ == clf.best_iteration_


@every_solver
def test_every_training_row_trains_and_no_validation_row(solver):
    clf = make(solver=solver, scoring="loss").fit(X, y, X_val=X_VAL, y_val=Y_VAL)
    assert clf.t_ == clf.n_iter_ * len(X)
    other = make(solver=solver, scoring="loss")
    other.fit(X, y, X_val=1 - X_VAL, y_val=Y_VAL[::-1], sample_weight_val=WEIGHT_VAL)
    assert other.loss_curve_ == clf.loss_curve_
    assert other.validation_scores_ != clf.validation_scores_


@every_solver
@pytest.mark.parametrize("scoring", ["accuracy", "loss", "roc_auc_ovr_weighted"])
def test_best_iteration_is_the_one_whose_weights_are_published(solver, scoring):
    parameters = {"solver": solver, "scoring": scoring, "n_iter_no_change": np.inf}
    clf = make(max_iter=60, learning_rate_init=0.05, **parameters)
    noise = RNG.permutation(Y_VAL)  # so that the best is not the last
    clf.fit(X, y, X_val=X_VAL, y_val=noise)
    best = int(np.argmax(clf.validation_scores_))
    assert best < clf.n_iter_ - 1
    assert clf.best_iteration_ == best + 1
    assert clf.best_validation_score_ == clf.validation_scores_[best]
    until = make(max_iter=best + 1, learning_rate_init=0.05, **parameters)
    until.fit(X, y, X_val=X_VAL, y_val=noise)
    np.testing.assert_array_equal(clf.predict_proba(X), until.predict_proba(X))


@every_solver
@pytest.mark.parametrize("scoring", ["accuracy", "loss", "f1_macro"])
def test_weight_of_two_is_the_row_twice_and_of_zero_not_at_all(solver, scoring):
    weight = np.arange(len(Y_VAL)) % 3
    weighted, repeated = (make(solver=solver, scoring=scoring) for _ in range(2))
    weighted.fit(X, y, X_val=X_VAL, y_val=Y_VAL, sample_weight_val=weight)
    rows = np.repeat(np.arange(len(Y_VAL)), weight)
    repeated.fit(X, y, X_val=X_VAL[rows], y_val=Y_VAL[rows])
    np.testing.assert_allclose(
        weighted.validation_scores_, repeated.validation_scores_, rtol=1e-12
    )


@pytest.mark.parametrize("scoring", ["accuracy", "loss", "neg_log_loss"])
@pytest.mark.parametrize("dtypes", [("f4", "f8"), ("f8", "f4"), ("f4", "i8"), ("f8", "i2")])
def test_validation_rows_are_computed_in_the_training_rows_precision(dtypes, scoring):
    dtype, of_val = dtypes
    rows, of_another = X.astype(dtype), (7 * X_VAL / 3).astype(of_val)
    one, other = (make(scoring=scoring) for _ in range(2))
    one.fit(rows, y, X_val=of_another, y_val=Y_VAL)
    other.fit(rows, y, X_val=of_another.astype(dtype), y_val=Y_VAL)
    assert one.coefs_[0].dtype == dtype
    assert bits(one) == bits(other)
    assert one.validation_scores_ == other.validation_scores_


FORMS = {
    "dense": np.asarray,
    "columns": np.asfortranarray,
    "list": np.ndarray.tolist,
    "csr": sparse.csr_array,
    "csc": sparse.csc_matrix,
    "coo": sparse.coo_array,
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("form_of_X", [np.asarray, sparse.csr_array], ids=["dense", "csr"])
@pytest.mark.parametrize("scoring", ["accuracy", "loss", "f1_macro"])
def test_every_form_of_rows(form_of_X, form, scoring):
    clf, dense = (make(scoring=scoring) for _ in range(2))
    clf.fit(form_of_X(X), y, X_val=form(X_VAL), y_val=Y_VAL.tolist())
    dense.fit(X, y, X_val=X_VAL, y_val=Y_VAL)
    assert bits(clf) == bits(dense)
    np.testing.assert_allclose(clf.validation_scores_, dense.validation_scores_, rtol=1e-12)


def test_strings_and_frames():
    names = [f"pixel {i}" for i in range(64)]
    frame, frame_val = (pd.DataFrame(rows, columns=names) for rows in (X, X_VAL))
    clf, plain = (make(scoring="f1_macro") for _ in range(2))
    clf.fit(
        frame, pd.Series(y).map("digit {}".format),
        X_val=frame_val, y_val=pd.Series(Y_VAL).map("digit {}".format),
        sample_weight_val=pd.Series(WEIGHT_VAL),
    )  # fmt: skip
    plain.fit(X, y, X_val=X_VAL, y_val=Y_VAL, sample_weight_val=WEIGHT_VAL)
    assert bits(clf) == bits(plain)
    assert clf.validation_scores_ == plain.validation_scores_
    assert clf.feature_names_in_.tolist() == names
    # and names of an earlier fit do not matter
    assert bits(clf.fit(X, y, X_val=X_VAL, y_val=Y_VAL)) == bits(plain)


def test_rows_without_names_beside_a_frame():
    frame = pd.DataFrame(X).rename(columns=str)
    with pytest.warns(UserWarning, match="feature names, but BackpropMLPClassifier was"):
        make().fit(frame, y, X_val=X_VAL, y_val=Y_VAL)


def test_rows_are_not_written_to():
    arrays = [X_VAL.copy(), Y_VAL.copy(), WEIGHT_VAL.copy()]
    for array in arrays:
        array.setflags(write=False)
    given = dict(zip(("X_val", "y_val", "sample_weight_val"), arrays, strict=True))
    make(scoring="f1_macro").fit(X, y, **given)
    np.testing.assert_array_equal(arrays[0], X_VAL)


# Pipelines and searches

GIVEN = {"X_val": PIXELS[300:420], "y_val": Y_VAL, "sample_weight_val": WEIGHT_VAL}


def pipeline(**parameters):
    clf = make(**parameters).set_fit_request(**dict.fromkeys(GIVEN, True))
    return Pipeline([("scale", StandardScaler()), ("mlp", clf)], transform_input=["X_val"])


@every_solver
@pytest.mark.parametrize("scoring", ["accuracy", "loss", "f1_macro"])
def test_pipeline_scales_validation_rows_by_the_training_rows_alone(solver, scoring):
    with sklearn.config_context(enable_metadata_routing=True):
        pipe = pipeline(solver=solver, scoring=scoring).fit(PIXELS[:300], y, **GIVEN)
        other = pipeline(solver=solver, scoring=scoring)
        other.fit(PIXELS[:300], y, **{**GIVEN, "X_val": 1000 + 99 * GIVEN["X_val"]})
    scaler = StandardScaler().fit(PIXELS[:300])
    by_hand = make(solver=solver, scoring=scoring).fit(
        scaler.transform(PIXELS[:300]), y,
        **{**GIVEN, "X_val": scaler.transform(GIVEN["X_val"])},
    )  # fmt: skip
    assert bits(pipe["mlp"]) == bits(by_hand)
    assert pipe["mlp"].validation_scores_ == by_hand.validation_scores_
    for statistic in ("mean_", "var_", "n_samples_seen_"):
        for fitted in (pipe, other):
            np.testing.assert_array_equal(
                getattr(fitted["scale"], statistic), getattr(scaler, statistic)
            )
    # whatever the validation rows are, training goes the same way
    assert other["mlp"].loss_curve_ == by_hand.loss_curve_


def test_search_over_a_pipeline_hands_every_fit_the_same_validation_rows():
    seen = []

    def scoring(estimator, X, y, sample_weight):
        seen.append((X, y, sample_weight))
        return estimator.score(X, y, sample_weight)

    with sklearn.config_context(enable_metadata_routing=True):
        search = GridSearchCV(
            pipeline(scoring=scoring, max_iter=1), {"mlp__alpha": [0, 1]}, cv=2
        )
        search.fit(PIXELS[:300], y, **GIVEN)
    assert len(seen) == 5  # two candidates in two folds, and the best again
    for _, y_val, weight in seen:
        np.testing.assert_array_equal(y_val, Y_VAL)
        np.testing.assert_array_equal(weight, WEIGHT_VAL)
    # scaled by each fold's own training rows
    assert not np.array_equal(seen[0][0], seen[1][0])
    scaler = search.best_estimator_["scale"]
    np.testing.assert_array_equal(seen[-1][0], scaler.transform(GIVEN["X_val"]))
    np.testing.assert_allclose(scaler.mean_, PIXELS[:300].mean(axis=0))


def test_search_passes_them_on_without_routing_too():
    search = GridSearchCV(make(), {"alpha": [0, 1]}, cv=2)
    search.fit(X, y, X_val=X_VAL, y_val=Y_VAL)
    best = make(**search.best_params_).fit(X, y, X_val=X_VAL, y_val=Y_VAL)
    assert bits(search.best_estimator_) == bits(best)
    assert search.best_estimator_.validation_scores_ == best.validation_scores_


# The score


@every_kind
@pytest.mark.filterwarnings("ignore")  # some scores are not defined for some of these
@pytest.mark.parametrize("weighted", [False, True])
def test_every_scorer_is_scikit_learns(kind, weighted):
    labels, labels_val = target(kind, y), target(kind, Y_VAL)
    given = {"X_val": X_VAL, "y_val": labels_val}
    weight = {"sample_weight": WEIGHT_VAL} if weighted else {}
    if weighted:
        given["sample_weight_val"] = WEIGHT_VAL
    fitted, n_usable = make(max_iter=1, scoring="loss").fit(X, labels, **given), 0
    for name in get_scorer_names():
        clf = make(max_iter=1, scoring=name)
        try:
            expected = get_scorer(name)(fitted, X_VAL, labels_val, **weight)
        except (TypeError, ValueError):
            expected = np.nan
        if np.isnan(expected):  # not a score for such labels, or not with weights
            with pytest.raises((TypeError, ValueError)):
                clf.fit(X, labels, **given)
            assert not hasattr(clf, "coefs_")
        else:
            clf.fit(X, labels, **given)
            assert clf.validation_scores_ == pytest.approx([expected], rel=1e-14), name
            n_usable += 1
    assert n_usable > 20


def test_loss_is_minus_scikit_learns_log_loss():
    for kind in ("binary", "multiclass"):
        labels, labels_val = target(kind, y), target(kind, Y_VAL)
        clf = make(scoring="loss", alpha=10.0)  # the penalty does not count
        clf.fit(X, labels, X_val=X_VAL, y_val=labels_val, sample_weight_val=WEIGHT_VAL)
        p = clf.predict_proba(X_VAL)
        expected = -log_loss(labels_val, p, sample_weight=WEIGHT_VAL)
        assert clf.best_validation_score_ == pytest.approx(expected, rel=1e-12)


def test_loss_of_several_labels_is_the_sum_over_them():
    labels, labels_val = target("multilabel", y), target("multilabel", Y_VAL)
    clf = make(scoring="loss").fit(X, labels, X_val=X_VAL, y_val=labels_val)
    p = clf.predict_proba(X_VAL)
    expected = sum(-log_loss(t, q) for t, q in zip(labels_val.T, p.T, strict=True))
    assert clf.best_validation_score_ == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("output_activation", ["identity", "softmax", "logistic"])
def test_loss_of_squared_error_is_half_the_squared_distance(output_activation):
    clf = make(scoring="loss", loss="squared_error", output_activation=output_activation)
    clf.fit(X, y, X_val=X_VAL, y_val=Y_VAL, sample_weight_val=WEIGHT_VAL)
    hidden = 1 / (1 + np.exp(-(X_VAL @ clf.coefs_[0] + clf.intercepts_[0])))
    z = hidden @ clf.coefs_[1] + clf.intercepts_[1]
    if output_activation == "softmax":
        z = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    elif output_activation == "logistic":
        z = 1 / (1 + np.exp(-z))
    squares = ((z - np.eye(10)[Y_VAL]) ** 2).sum(axis=1) / 2
    expected = -np.average(squares, weights=WEIGHT_VAL)
    assert clf.best_validation_score_ == pytest.approx(expected, rel=1e-12)


def unequal_weights(kind, labels):
    if kind == "multilabel":
        return np.where(labels[:, 0], 3, 1) * np.where(labels[:, 1], 1, 2)
    return np.array([UNEQUAL[kind].get(label, 1) for label in labels])


@every_kind
@pytest.mark.parametrize("scoring", ["accuracy", "loss", "f1_macro"])
def test_class_weights_count(kind, scoring):
    labels, labels_val = target(kind, y), target(kind, Y_VAL)
    clf, by_hand = make(scoring=scoring, class_weight=UNEQUAL[kind]), make(scoring=scoring)
    given = {"X_val": X_VAL, "y_val": labels_val}
    clf.fit(X, labels, WEIGHT, **given, sample_weight_val=WEIGHT_VAL)
    by_hand.fit(
        X, labels, WEIGHT * unequal_weights(kind, labels),
        **given, sample_weight_val=WEIGHT_VAL * unequal_weights(kind, labels_val),
    )  # fmt: skip
    assert clf.validation_scores_ == by_hand.validation_scores_


def test_scorer_of_ones_own():
    seen = []

    def scoring(estimator, rows, labels):
        seen.append(estimator)
        np.testing.assert_array_equal(rows, X_VAL)
        np.testing.assert_array_equal(labels, Y_VAL)
        return estimator.predict_proba(rows)[0, labels[0]]

    clf = make(scoring=scoring).fit(X, y, X_val=X_VAL, y_val=Y_VAL)
    # what it is given does not change afterwards
    assert clf.validation_scores_ == [e.predict_proba(X_VAL)[0, Y_VAL[0]] for e in seen]
    assert [e.n_iter_ for e in seen] == [0, 1, 2, 3, 4]
    macro = make_scorer(f1_score, average="macro")
    one, other, third = (
        make(scoring=s).fit(X, y, X_val=X_VAL, y_val=Y_VAL, sample_weight_val=WEIGHT_VAL)
        for s in (macro, f1_macro, "f1_macro")
    )
    assert one.validation_scores_ == other.validation_scores_ == third.validation_scores_


@every_solver
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_score_that_is_not_finite(solver, value):
    clf = make(solver=solver, scoring="loss").fit(X, y, X_val=X_VAL, y_val=Y_VAL)
    before = bits(clf)

    def scoring(estimator, X, y):
        return 0.5 if estimator.n_iter_ < 2 else value

    clf.set_params(scoring=scoring)
    with pytest.raises(ValueError, match=f"scoring=.*scoring.* gave {value} on the validation"):
        clf.fit(X, y, X_val=X_VAL, y_val=Y_VAL)
    assert bits(clf) == before


@pytest.mark.parametrize("scoring", ["mean", None, 3, ["accuracy"], {}], ids=str)
def test_scoring_that_is_no_scorer(scoring):
    with pytest.raises(ValueError, match="'scoring' parameter"):
        make(scoring=scoring).fit(X, y)


# What cannot be used

WRONG = {
    "no y_val": ({"y_val": None}, "X_val is given without y_val"),
    "no X_val": ({"X_val": None}, "y_val is given without X_val"),
    "weights alone": ({"X_val": None, "y_val": None}, "sample_weight_val is given without"),
    "number for X_val": ({"X_val": 5}, "X_val"),
    "string for X_val": ({"X_val": "rows"}, "X_val"),
    "object for X_val": ({"X_val": object()}, "X_val"),
    "dict for X_val": ({"X_val": {"a": 1}}, "X_val"),
    "one row for X_val": ({"X_val": X_VAL[0]}, "X_val.*2D"),
    "no rows": ({"X_val": X_VAL[:0], "y_val": Y_VAL[:0]}, "X_val.*0 sample"),
    "fewer features": ({"X_val": X_VAL[:, :9]}, "X_val.*9 features.*64"),
    "complex X_val": ({"X_val": X_VAL + 1j}, "X_val.*[Cc]omplex"),
    "NaN in X_val": ({"X_val": np.where(X_VAL > 0.9, np.nan, X_VAL)}, "X_val.*NaN"),
    "infinity in X_val": ({"X_val": np.where(X_VAL > 0.9, np.inf, X_VAL)}, "X_val.*infinity"),
    "words in X_val": ({"X_val": np.full(X_VAL.shape, "a")}, "X_val"),
    "number for y_val": ({"y_val": 5}, "y_val"),
    "string for y_val": ({"y_val": "digits"}, "y_val"),
    "dict for y_val": ({"y_val": {"a": 1}}, "y_val"),
    "fewer labels": ({"y_val": Y_VAL[:9]}, r"y_val.*\[120, 9\]"),
    "label that y has not": ({"y_val": Y_VAL + 1}, r"y_val.*\[10\].*not among the classes"),
    "other type of label": ({"y_val": Y_VAL.astype(str)}, "y_val.*not among the classes"),
    "fractions": ({"y_val": Y_VAL + 0.5}, "y_val.*continuous"),
    "None among the labels": ({"y_val": [None, *Y_VAL[1:]]}, "y_val"),
    "NaN among the labels": ({"y_val": np.where(Y_VAL == 3, np.nan, Y_VAL)}, "y_val"),
    "indicator": ({"y_val": np.eye(10, dtype=int)[Y_VAL]}, "y_val.*one label a row"),
    "negative weight": ({"sample_weight_val": WEIGHT_VAL - 1}, "sample_weight_val.*negative"),
    "no weight": ({"sample_weight_val": np.zeros(120)}, "sample_weight_val is zero"),
    "NaN weight": ({"sample_weight_val": [np.nan] * 120}, "sample_weight_val contains NaN"),
    "infinite weight": ({"sample_weight_val": [np.inf] * 120}, "sample_weight_val.*infinity"),
    "sum of weights": ({"sample_weight_val": [1e308] * 120}, "sample_weight_val sums to inf"),
    "string for weights": ({"sample_weight_val": "one"}, "sample_weight_val must be real"),
    "number for weights": ({"sample_weight_val": 2.0}, "sample_weight_val must be 1-dim"),
    "matrix of weights": ({"sample_weight_val": np.ones((120, 1))}, "sample_weight_val.*1-dim"),
    "fewer weights": ({"sample_weight_val": np.ones(9)}, "sample_weight_val has 9 weights"),
}  # fmt: skip


@pytest.mark.parametrize(("wrong", "message"), WRONG.values(), ids=WRONG)
def test_error_names_the_argument_and_changes_nothing(wrong, message):
    given = {"X_val": X_VAL, "y_val": Y_VAL, "sample_weight_val": WEIGHT_VAL, **wrong}
    for scoring in ("accuracy", "f1_macro"):
        clf, random_state = make(scoring=scoring), np.random.RandomState(0)
        clf.set_params(random_state=random_state)
        with pytest.raises(ValueError, match=f"(?s){message}"):
            clf.fit(X, y, **given)
        assert vars(clf).keys() == clf.get_params().keys()
        assert random_state.randint(2**31) == np.random.RandomState(0).randint(2**31)
        clf.fit(X, y, X_val=X_VAL, y_val=Y_VAL)
        before = bits(clf)
        with pytest.raises(ValueError, match=f"(?s){message}"):
            clf.fit(X, y, **given)
        assert bits(clf) == before


def test_columns_of_other_names():
    frame = pd.DataFrame(X).add_prefix("pixel ")
    for other in (pd.DataFrame(X_VAL).add_prefix("x"), frame[frame.columns[::-1]][:120]):
        with pytest.raises(ValueError, match=r"X_val or y_val.*feature names should match"):
            make().fit(frame, y, X_val=other, y_val=Y_VAL)


def test_several_labels_a_row_need_as_many_in_y_val():
    labels, labels_val = target("multilabel", y), target("multilabel", Y_VAL)
    for wrong in (Y_VAL, np.hstack([labels_val, labels_val]), 2 * labels_val):
        with pytest.raises(ValueError, match="X_val or y_val"):
            make().fit(X, labels, X_val=X_VAL, y_val=wrong)


@every_solver
def test_nothing_would_look_at_them_without_early_stopping(solver):
    clf = make(early_stopping=False, solver=solver)
    with pytest.raises(ValueError, match="X_val and y_val are for early_stopping=True"):
        clf.fit(X, y, X_val=X_VAL, y_val=Y_VAL)
    assert not hasattr(clf, "coefs_")
    assert clf.fit(X, y).validation_scores_ is None


# From one fit to the next


def changed(before, after):
    """Two fits by different criteria: the parameters and validation rows of each."""
    rows = {"X_val": X_VAL, "y_val": Y_VAL}
    return ({"scoring": before}, rows), ({"scoring": after}, rows)


CHANGES = {
    "accuracy to loss": changed("accuracy", "loss"),
    "loss to accuracy": changed("loss", "accuracy"),
    "name to function": changed("accuracy", lambda e, X, y: -1.0 / e.score(X, y)),
    "other rows": (
        ({}, {"X_val": X, "y_val": y}),
        ({}, {"X_val": X_VAL, "y_val": np.roll(Y_VAL, 1)}),
    ),
    "other weights": (
        (
            {"scoring": "loss"},
            {"X_val": X_VAL, "y_val": Y_VAL, "sample_weight_val": Y_VAL == 0},  # the easiest
        ),
        ({"scoring": "loss"}, {"X_val": X_VAL, "y_val": Y_VAL}),
    ),
    "training loss to loss": (
        ({"early_stopping": False}, {}),
        ({"scoring": "loss", "early_stopping": True}, {"X_val": X_VAL, "y_val": Y_VAL}),
    ),
}


@every_solver
@pytest.mark.parametrize(("before", "after"), CHANGES.values(), ids=CHANGES)
def test_best_is_by_the_criterion_of_the_last_fit(solver, before, after):
    clf = make(solver=solver, warm_start=True, max_iter=15, **before[0]).fit(X, y, **before[1])
    n_before = len(clf.validation_scores_ or [])
    clf.set_params(max_iter=4, **after[0]).fit(X, y, **after[1])
    scores = clf.validation_scores_[n_before:]
    assert clf.best_validation_score_ == max(scores)
    assert clf.best_iteration_ == 15 + np.argmax(scores) + 1
    # it is the score of the published weights
    again = make(max_iter=1, solver="sgd", learning_rate_init=1e-300, momentum=0, **after[0])
    again.fit(X, y, **after[1], coef_init=clf.coefs_, intercept_init=clf.intercepts_)
    assert again.validation_scores_ == [clf.best_validation_score_]


@pytest.mark.parametrize(
    ("solver", "method"),
    [("sgd", "fit"), ("adam", "fit"), ("lbfgs", "fit"), ("sgd", "partial_fit")],
)
def test_training_without_a_score_publishes_its_own_weights(solver, method):
    clf = make(solver=solver, warm_start=True, max_iter=12, n_iter_no_change=3, scoring="loss")
    clf.fit(X, y, X_val=X_VAL, y_val=Y_VAL)
    best, n_iter = clf.coefs_[0], clf.n_iter_
    clf.set_params(early_stopping=False, max_iter=8)
    for _ in range(1 if method == "fit" else 8):
        getattr(clf, method)(X, y)
    assert clf.n_iter_ == n_iter + 8  # no better loss than the score would have stopped it
    assert clf.validation_scores_ is None
    assert (clf.coefs_[0] != best).any()
    if solver == "lbfgs":  # the loss that it recorded is that of the weights
        p = clf.predict_proba(X)
        penalty = clf.alpha / 2 / len(X) * sum((W**2).sum() for W in clf.coefs_)
        assert clf.loss_ == pytest.approx(log_loss(y, p) + penalty, rel=1e-10)


@pytest.mark.parametrize("solver", ["sgd", "lbfgs"])
def test_training_by_another_criterion_begins_at_the_published_weights(solver):
    parameters = {"solver": solver, "momentum": 0, "shuffle": False, "max_iter": 30}
    clf = make(warm_start=True, n_iter_no_change=30, **parameters)
    clf.fit(X, y, X_val=X_VAL, y_val=np.roll(Y_VAL, 1))
    assert clf.best_iteration_ < 30
    published = {"coef_init": clf.coefs_, "intercept_init": clf.intercepts_}
    anew = make(early_stopping=False, **parameters).fit(X, y, **published)
    clf.set_params(early_stopping=False).fit(X, y)
    assert clf.loss_curve_[30:] == anew.loss_curve_


@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize(
    "scoring",
    ["accuracy", "loss", "f1_macro", f1_macro, lambda e, X, y: e.score(X, y)],
    ids=["accuracy", "loss", "name", "function", "lambda"],
)
def test_warm_start_by_the_same_criterion_goes_on(solver, scoring):
    parameters = {"solver": solver, "scoring": scoring, "n_iter_no_change": 3}
    whole = make(max_iter=30, **parameters).fit(X, y, X_val=X_VAL, y_val=Y_VAL)
    parts = make(max_iter=1, warm_start=True, **parameters)
    for _ in range(whole.n_iter_):
        parts.fit(X, y, X_val=X_VAL.copy(), y_val=Y_VAL.copy())
    assert bits(parts) == bits(whole)
    assert parts.validation_scores_ == whole.validation_scores_
    assert parts.best_iteration_ == whole.best_iteration_


def test_only_scores_of_this_fit_are_printed(capsys):
    clf = make(warm_start=True, verbose=True, max_iter=2).fit(X, y, X_val=X_VAL, y_val=Y_VAL)
    assert capsys.readouterr().out.count("Validation score") == 2
    clf.set_params(early_stopping=False).fit(X, y)
    printed = capsys.readouterr().out
    assert printed.count("Iteration") == 2
    assert "Validation score" not in printed
