"""Candidates share a training only where one is provably the beginning of the other."""

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, make_scorer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from skdigitnet import BackpropMLPClassifier
from skdigitnet.callbacks import TimeLimit
from skdigitnet.model_selection._candidates import lineages


class Subclass(BackpropMLPClassifier):
    pass


def half(done):
    return 0.5


def score(estimator, X, y):
    return 1.0


def members_of(estimator, candidates):
    return [lineage.members for lineage in lineages(estimator, candidates)]


def test_they_differ_in_max_iter_alone():
    candidates = [
        {"alpha": 0.0, "max_iter": 9},
        {"alpha": -0.0, "max_iter": 9},
        {"max_iter": np.int64(3), "alpha": 0.0},
        {"alpha": 0, "max_iter": 3},
        {"alpha": 0.0},
        {"alpha": 0.0, "max_iter": 9},
        {"alpha": np.nan, "max_iter": 1},
        {"alpha": np.nan, "max_iter": 2},
        {"hidden_layer_sizes": (2, 3.0), "max_iter": 1},
        {"hidden_layer_sizes": (2, 3), "max_iter": 1},
        {"hidden_layer_sizes": (2, 3), "max_iter": 2},
    ]
    found = lineages(BackpropMLPClassifier(max_iter=5), candidates)
    assert [lineage.members for lineage in found] == [
        (2, 4, 0, 5),
        (1,),
        (3,),
        (6, 7),
        (8,),
        (9, 10),
    ]
    assert found[0].stops == (3, 5, 9, 9)


def test_objects_are_the_same_if_they_are_one():
    first, second = np.array([3]), np.array([3])
    sizes = [first, second, first]
    candidates = [
        {"hidden_layer_sizes": size, "max_iter": i + 1} for i, size in enumerate(sizes)
    ]
    assert members_of(BackpropMLPClassifier(), candidates) == [(0, 2), (1,)]


@pytest.mark.parametrize(
    ("parameters", "shares", "pauses"),
    [
        ({}, True, True),
        ({"solver": "adam", "learning_rate": "invscaling"}, True, True),
        ({"learning_rate": np.str_("adaptive")}, True, True),
        ({"random_state": np.random.RandomState(0)}, True, True),
        ({"solver": "lbfgs", "learning_rate": "cosine"}, True, False),
        ({"learning_rate": "cosine"}, False, False),
        ({"learning_rate": half}, False, False),
        ({"scoring": score}, True, True),  # which nothing asks for
        ({"scoring": "loss", "early_stopping": True}, True, True),
        ({"scoring": make_scorer(f1_score), "early_stopping": True}, True, True),
        ({"scoring": score, "early_stopping": True}, False, False),
        ({"max_iter": 0}, False, False),
        ({"max_iter": 2.0}, False, False),
        ({"max_iter": True}, False, False),
    ],
)
def test_what_shares_a_training(parameters, shares, pauses):
    estimator = BackpropMLPClassifier().set_params(**parameters)
    for whole, name in (
        (estimator, "max_iter"),
        (Pipeline([("clf", estimator)]), "clf__max_iter"),
    ):
        (lineage,) = lineages(whole, [{}, {name: 7}])
        assert lineage.is_ours
        assert (lineage.is_one_training, lineage.can_pause) == (shares, pauses)


@pytest.mark.parametrize(
    "estimator",
    [
        Subclass(),
        LogisticRegression(),
        BackpropMLPClassifier(verbose=1),
        BackpropMLPClassifier(warm_start=True),
        Pipeline([("clf", BackpropMLPClassifier())], verbose=True),
        Pipeline([("inner", Pipeline([("clf", BackpropMLPClassifier())]))]),
    ],
)
def test_what_is_watched_is_left_to_scikit_learn(estimator):
    (lineage,) = lineages(estimator, [{}])
    assert [lineage.is_ours, lineage.is_one_training, lineage.can_pause] == [False] * 3


def test_an_estimator_with_callbacks_is_left_to_scikit_learn():
    pytest.importorskip("sklearn.callback")
    estimator = BackpropMLPClassifier().set_callbacks(TimeLimit(1))
    assert not lineages(estimator, [{}])[0].is_ours


def test_transformers_are_shared_by_the_candidates_that_have_the_same():
    scalers = [StandardScaler(), MinMaxScaler()]
    candidates = [
        {"scale": scaler, "pca__n_components": n, "clf__alpha": alpha}
        for scaler in scalers
        for n in (1, 2)
        for alpha in (0.1, 0.2)
    ]
    steps = [("scale", StandardScaler()), ("pca", PCA()), ("clf", BackpropMLPClassifier())]
    found = lineages(Pipeline(steps), candidates)
    keys = [lineage.transformers for lineage in found]
    assert keys[::2] == keys[1::2]
    assert len(set(keys)) == 4
