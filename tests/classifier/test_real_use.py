"""The estimator inside scikit-learn: searches, ensembles, pipelines, persistence."""

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.ensemble import BaggingClassifier, StackingClassifier
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import (
    GridSearchCV,
    RandomizedSearchCV,
    StratifiedKFold,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skdigitnet import BackpropMLPClassifier


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True)


@pytest.fixture(scope="module")
def iris_frame():
    return load_iris(return_X_y=True, as_frame=True)


def small(**parameters):
    defaults = {"hidden_layer_sizes": (10,), "max_iter": 60, "tol": 0.0, "random_state": 0}
    return BackpropMLPClassifier(**{**defaults, **parameters})


SEARCHES = {
    "grid": lambda **jobs: GridSearchCV(
        make_pipeline(StandardScaler(), small()),
        {
            "backpropmlpclassifier__alpha": [1e-4, 1.0],
            "backpropmlpclassifier__solver": ["sgd", "adam", "lbfgs"],
        },
        cv=3,
        **jobs,
    ),
    "randomized": lambda **jobs: RandomizedSearchCV(
        small(),
        {"hidden_layer_sizes": [(), (5,), (5, 5)], "momentum": [0.0, 0.9]},
        n_iter=4,
        cv=3,
        random_state=0,
        **jobs,
    ),
}


def scores(search):
    return {key: value for key, value in search.cv_results_.items() if "test_score" in key}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("backend", ["loky", "threading"])
@pytest.mark.parametrize("search", SEARCHES)
def test_parallel_search_scores_the_same_to_the_bit(search, backend, iris, monkeypatch):
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")  # reaches loky's processes
    serial = SEARCHES[search](n_jobs=1).fit(*iris)
    with joblib.parallel_backend(backend):
        parallel = SEARCHES[search](n_jobs=2).fit(*iris)
    assert parallel.best_params_ == serial.best_params_
    for key, value in scores(serial).items():
        assert_array_equal(scores(parallel)[key], value)


@pytest.mark.parametrize(
    ("load", "accuracy"),
    [
        (load_digits, 0.97),
        (load_iris, 0.95),
        (load_wine, 0.95),
        (load_breast_cancer, 0.95),
    ],
)
def test_default_estimator_is_accurate_and_converges(load, accuracy):
    # a ConvergenceWarning would be an error here
    model = make_pipeline(StandardScaler(), BackpropMLPClassifier(random_state=0))
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    assert cross_val_score(model, *load(return_X_y=True), cv=folds).mean() >= accuracy


def test_default_estimator_on_mnist(mnist):
    X, y, X_test, y_test = mnist
    model = BackpropMLPClassifier(random_state=0)
    model.fit(np.float32(X / 255), y)
    assert model.score(np.float32(X_test / 255), y_test) >= 0.975


def test_column_transformer_with_pandas_output(iris_frame):
    X, y = iris_frame
    X = X.assign(colour=pd.Categorical.from_codes(y % 2, ["red", "blue"]))
    transform = make_column_transformer(
        (StandardScaler(), list(X.columns[:4])),
        (OneHotEncoder(sparse_output=False), ["colour"]),
    ).set_output(transform="pandas")
    model = make_pipeline(transform, small(solver="lbfgs", max_iter=500, tol=1e-4)).fit(X, y)
    assert model.score(X, y) > 0.95
    assert list(model[-1].feature_names_in_) == list(transform.get_feature_names_out())


def test_global_pandas_output_upstream(iris_frame):
    with sklearn.config_context(transform_output="pandas"):
        model = make_pipeline(StandardScaler(), BackpropMLPClassifier(random_state=0))
        model.fit(*iris_frame)
    assert list(model[-1].feature_names_in_) == list(iris_frame[0].columns)


def test_other_feature_names_are_refused(iris_frame):
    X, y = iris_frame
    model = BackpropMLPClassifier(random_state=0).fit(X, y)
    with pytest.raises(ValueError, match="feature names"):
        model.predict(X.rename(columns=str.upper))


def test_cross_validate_returns_fitted_estimators(iris):
    model = make_pipeline(StandardScaler(), BackpropMLPClassifier(random_state=0))
    result = cross_validate(
        model, *iris, cv=3, return_estimator=True, scoring=["accuracy", "neg_log_loss"]
    )
    assert (result["test_accuracy"] > 0.9).all()
    assert all(fold[-1].n_iter_ > 1 for fold in result["estimator"])


@pytest.mark.parametrize(
    "ensemble",
    [
        lambda model: CalibratedClassifierCV(model, cv=3),
        lambda model: BaggingClassifier(model, n_estimators=3, random_state=0),
        lambda model: StackingClassifier([("mlp", model)], LogisticRegression(), cv=3),
    ],
)
def test_ensembles(ensemble, iris):
    model = make_pipeline(StandardScaler(), BackpropMLPClassifier(random_state=0))
    fitted = ensemble(model).fit(*iris)
    assert fitted.score(*iris) > 0.9
    assert_allclose(fitted.predict_proba(iris[0]).sum(axis=1), 1)


def test_permutation_importance_finds_the_petals(iris):
    model = make_pipeline(StandardScaler(), BackpropMLPClassifier(random_state=0)).fit(*iris)
    importance = permutation_importance(model, *iris, random_state=0).importances_mean
    assert min(importance[2:]) > max(importance[:2])


def test_sample_weight_is_routed_through_a_search(iris):
    X, y = iris
    weight = np.where(y == 2, 0.0, 1.0)  # the third class is absent
    with sklearn.config_context(enable_metadata_routing=True):
        model = BackpropMLPClassifier(random_state=0).set_fit_request(sample_weight=True)
        search = GridSearchCV(
            make_pipeline(StandardScaler().set_fit_request(sample_weight=False), model),
            {"backpropmlpclassifier__alpha": [1e-3]},
            scoring=make_scorer(accuracy_score).set_score_request(sample_weight=True),
            cv=3,
        ).fit(X, y, sample_weight=weight)
    assert set(search.predict(X[y < 2])) == {0, 1}
    assert search.best_score_ == 1.0
    assert 2 not in search.predict(X)


def test_clone_has_the_parameters_and_no_fit(iris):
    model = BackpropMLPClassifier((3, 2), alpha=0.5, random_state=0).fit(*iris)
    copy = clone(model)
    assert copy.get_params() == model.get_params()
    assert not hasattr(copy, "coefs_")
