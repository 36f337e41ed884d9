"""Parameters that are of a subclass of str train and predict as the plain string does."""

import enum
import pickle

import numpy as np
import pytest
from resuming import assert_same_training, digits, make
from sklearn.model_selection import GridSearchCV

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y, X_val, y_val = digits()
CHOICES = {
    "activation": "tanh",
    "solver": "adam",
    "loss": "squared_error",
    "output_activation": "softmax",
    "batch_size": "auto",
    "learning_rate": "cosine",
    "learning_rate_init": "auto",
    "scoring": "f1_macro",
    "class_weight": "balanced",
}


VALUES = {*CHOICES.values(), "identity", "lbfgs"}
Plain = enum.StrEnum("Plain", {value: value for value in VALUES})
Mixed = enum.Enum("Mixed", {value: value for value in VALUES}, type=str)  # prints its name
KINDS = pytest.mark.parametrize("kind", [np.str_, Plain, Mixed])


def fit(**parameters):
    return make(max_iter=3, early_stopping=True, **parameters).fit(X, y)


@KINDS
@pytest.mark.parametrize("name", CHOICES)
def test_each(kind, name):
    clf = fit(**{name: kind(CHOICES[name])})
    assert clf.get_params()[name] is not CHOICES[name]
    plain = fit(**{name: CHOICES[name]})
    assert_same_training(clf, plain)
    np.testing.assert_array_equal(clf.predict_proba(X_val), plain.predict_proba(X_val))


@KINDS
def test_all_of_them(kind, tmp_path):
    given = {name: kind(value) for name, value in CHOICES.items()}
    clf, plain = (
        make(warm_start=True, **parameters).partial_fit(X, y, np.arange(10)).partial_fit(X, y)
        for parameters in (given, CHOICES)
    )
    assert_same_training(clf, plain)
    assert_same_training(
        pickle.loads(pickle.dumps(clf)).partial_fit(X, y), plain.partial_fit(X, y)
    )
    clf.save_weights(tmp_path / "weights.npz")
    loaded = make().load_weights(tmp_path / "weights.npz")
    assert type(loaded.activation) is type(loaded.loss) is str


@KINDS
def test_other_branches(kind):
    clf, plain = (
        fit(solver=of("lbfgs"), loss=of("squared_error"), output_activation=of("identity"))
        for of in (kind, str)
    )
    assert_same_training(clf, plain)
    assert not hasattr(clf, "predict_proba")
    assert not hasattr(clf, "partial_fit")


def test_a_grid_that_is_an_array():
    grid = {"activation": np.array(["tanh", "relu"]), "solver": np.array(["adam", "sgd"])}
    search = GridSearchCV(make(max_iter=2), grid, cv=2, error_score="raise").fit(X, y)
    assert search.predict(X).shape == y.shape


@KINDS
def test_a_checkpoint_is_found_by_the_plain_string(kind, tmp_path):
    pytest.importorskip("sklearn.callback", reason="callbacks need scikit-learn 1.9")
    from skdigitnet.callbacks import Checkpoint, EarlyStopping

    for of in (kind, str):
        clf = make(max_iter=2, activation=of("tanh"), learning_rate=of("cosine"))
        stopping = EarlyStopping(X_val, y_val, scoring=of("f1_macro"))
        clf.set_callbacks(stopping, Checkpoint(tmp_path)).fit(X, y)
    assert len(list(tmp_path.iterdir())) == 1
