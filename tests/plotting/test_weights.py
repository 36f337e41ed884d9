"""Which weights WeightImageDisplay shows, in which order, and on which scale."""

import numpy as np
import pytest
from pictures import assert_readable, box_of, no_window, plt  # noqa: F401, a fixture
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdigitnet import BackpropMLPClassifier
from skdigitnet.plotting import WeightImageDisplay

X, Y = load_digits(return_X_y=True)
X, Y = X[:300] / 16, Y[:300]


def network(hidden_layer_sizes, y=Y, **parameters):
    fitted = BackpropMLPClassifier(hidden_layer_sizes, tol=0.1, random_state=0, **parameters)
    return fitted.fit(X, y)


def texts_of(display):
    return [text.get_text() for text in display.texts_]


def test_units_by_their_outgoing_weights():
    fitted = network((12, 5))
    display = WeightImageDisplay.from_estimator(fitted)
    order = [int(text.removeprefix("unit ")) for text in texts_of(display)]
    strength = np.sqrt((fitted.coefs_[1] ** 2).sum(axis=1))
    assert sorted(order) == list(range(12))
    assert (np.diff(strength[order]) <= 0).all()
    for unit, image in zip(order, display.images_, strict=True):
        expected = fitted.coefs_[0][:, unit].reshape(8, 8)
        np.testing.assert_array_equal(image.get_array(), expected)


def test_the_strongest_alone():
    fitted = network((12,))
    whole = WeightImageDisplay.from_estimator(fitted)
    display = WeightImageDisplay.from_estimator(fitted, n_units=5)
    assert texts_of(display) == texts_of(whole)[:5]


def test_one_symmetric_scale():
    display = WeightImageDisplay.from_estimator(network((12,)))
    largest = np.abs(display.images).max()
    assert {image.get_clim() for image in display.images_} == {(-largest, largest)}
    assert display.colorbar_.vmin == -largest
    assert display.colorbar_.vmax == largest
    red, green, blue, _ = display.images_[0].cmap(0.5)
    assert min(red, green, blue) > 0.95, "zero is white"


def test_weights_beyond_vmax_are_announced():
    fitted = network((12,))
    display = WeightImageDisplay.from_estimator(fitted, vmax=0.01)
    assert display.images_[0].get_clim() == (-0.01, 0.01)
    assert display.colorbar_.extend == "both"
    assert WeightImageDisplay.from_estimator(fitted, vmax=100).colorbar_.extend == "neither"


def test_no_hidden_layer_shows_the_classes():
    names = np.array([f"the digit {name}" for name in "abcdefghij"])
    fitted = network((), names[Y])
    display = WeightImageDisplay.from_estimator(fitted)
    assert texts_of(display) == names.tolist()
    np.testing.assert_array_equal(display.images[3].ravel(), fitted.coefs_[0][:, 3])
    assert_readable(display.figure_)


def test_single_output_is_the_second_class():
    fitted = network((), np.where(Y > 4, "large", "a small one"))
    assert texts_of(WeightImageDisplay.from_estimator(fitted)) == ["large"]


@pytest.mark.parametrize("n_units", [1, 2, 30, 100])
def test_readable(n_units):
    display = WeightImageDisplay.from_estimator(network((100,)), n_units=n_units)
    assert len(display.images_) == n_units
    assert_readable(display.figure_)


@pytest.mark.parametrize("layout", [None, "constrained"])
def test_readable_in_given_axes(layout):
    figure, axes = plt.subplots(1, 3, figsize=(14, 4), layout=layout)
    for ax, n_units in zip(axes, (1, 4, 30), strict=True):
        display = WeightImageDisplay.from_estimator(network((30,)), n_units=n_units, ax=ax)
        assert (display.ax_, display.figure_) == (ax, figure)
    assert_readable(figure)
    for ax in axes:
        (bar,) = ax.child_axes
        assert box_of(bar.yaxis.label).x1 < box_of(ax).x1


def test_other_networks_and_shapes():
    fitted = make_pipeline(
        StandardScaler(), MLPClassifier((6,), tol=0.1, solver="lbfgs", random_state=0)
    ).fit(X[:, :60], Y)
    display = WeightImageDisplay.from_estimator(fitted, image_shape=(6, 10))
    assert display.images.shape == (6, 6, 10)


def test_errors():
    fitted = network((3,))
    with pytest.raises(AttributeError, match="LogisticRegression has no coefs_, and neither"):
        WeightImageDisplay.from_estimator(LogisticRegression().fit(X, Y))
    with pytest.raises(ValueError, match="n_units must be an integer of 1 or more; it is 0"):
        WeightImageDisplay.from_estimator(fitted, n_units=0)
    with pytest.raises(ValueError, match="vmax must be above 0"):
        WeightImageDisplay.from_estimator(fitted, vmax=0)
    with pytest.raises(ValueError, match="has 63 pixels"):
        WeightImageDisplay.from_estimator(fitted, image_shape=(7, 9))
