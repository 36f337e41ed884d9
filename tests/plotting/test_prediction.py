"""What PredictionDisplay says of one digit, and how long its bars are."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import same_color
from pictures import assert_readable, box_of, no_window, plt  # noqa: F401, a fixture
from scipy import sparse
from sklearn.datasets import load_digits
from sklearn.linear_model import Perceptron
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler

from skdigitnet import BackpropMLPClassifier
from skdigitnet.plotting import PredictionDisplay
from skdigitnet.plotting._common import BLUE, VERMILION
from skdigitnet.plotting._prediction import OTHER, UNDECIDED

X, Y = load_digits(return_X_y=True)
X = X / 16
IMAGE = X[0].reshape(8, 8)


@pytest.fixture(scope="module")
def network():
    pipeline = make_pipeline(MaxAbsScaler(), BackpropMLPClassifier((20,), random_state=0))
    return pipeline.fit(X[:300], Y[:300])


def display_of(probabilities, classes="abc", **labels):
    return PredictionDisplay(IMAGE, np.array(probabilities), list(classes), **labels).plot()


def words_of(display):
    return {i: text.get_text().strip() for i, text in display.texts_.items()}


def colours_of(display):
    return [bar.get_facecolor() for bar in display.bars_]


def test_bars_are_the_probabilities(network):
    display = PredictionDisplay.from_estimator(network, X[300], Y[300])
    probabilities = network.predict_proba(X[300:301])[0]
    assert [bar.get_width() for bar in display.bars_] == pytest.approx(probabilities)
    figure, (left, right) = display.figure_, display.axes_
    figure.canvas.draw()
    heights = [(box_of(bar).y0 + box_of(bar).y1) / 2 for bar in display.bars_]
    assert sorted(heights, reverse=True) == heights, "the first class is on top"
    assert [label.get_text() for label in right.get_yticklabels()] == list("0123456789")
    assert right.get_xlim() == (0, 1)
    np.testing.assert_array_equal(display.image_.get_array(), X[300].reshape(8, 8))
    assert box_of(left).x1 < box_of(right).x0
    assert_readable(figure)


def test_right():
    display = display_of([0.1, 0.9, 0], y_pred="b", y_true="b")
    assert words_of(display) == {0: "10%", 1: "90% predicted, true"}
    assert display.axes_[0].get_title(loc="left") == "Predicted b, correctly"
    assert all(map(same_color, colours_of(display), [OTHER, BLUE, OTHER]))


def test_wrong():
    display = display_of([0.1, 0.9, 0], y_pred="b", y_true="c")
    assert words_of(display) == {0: "10%", 1: "90% predicted", 2: "0% true"}
    assert display.axes_[0].get_title(loc="left") == "Predicted b, not c"
    assert all(map(same_color, colours_of(display), [OTHER, VERMILION, BLUE]))
    for spine in display.axes_[0].spines.values():
        assert same_color(spine.get_edgecolor(), VERMILION)


def test_truth_unknown():
    display = display_of([0.1, 0.9, 0], y_pred="b")
    assert words_of(display) == {0: "10%", 1: "90% predicted"}
    assert display.axes_[0].get_title(loc="left") == "Predicted b"
    assert all(map(same_color, colours_of(display), [OTHER, UNDECIDED, OTHER]))


def test_true_class_that_the_network_does_not_know():
    display = display_of([0.1, 0.9, 0], y_pred="b", y_true="z")
    assert display.axes_[0].get_title(loc="left") == "Predicted b, not z"
    assert words_of(display) == {0: "10%", 1: "90% predicted"}


def test_texts_stand_in_long_bars_and_beside_short_ones():
    display = display_of([0.7, 0.3, 0], y_pred="a", y_true="b")
    display.figure_.canvas.draw()
    (long, short), texts = display.bars_[:2], display.texts_
    assert box_of(texts[0]).x1 <= box_of(long).x1 + 1
    assert box_of(texts[1]).x0 >= box_of(short).x1


def test_predicted_class_is_the_estimators_word(network):
    """As with a threshold, it may not be the most probable one."""
    display = display_of([0.6, 0.4], "ab", y_pred="b", y_true="a")
    assert words_of(display) == {0: "60% true", 1: "40% predicted"}


@pytest.mark.parametrize(
    "x", [X[5], X[5].tolist(), X[5:6], sparse.csr_matrix(X[5:6]), pd.DataFrame(X).iloc[5]]
)
def test_kinds_of_x(network, x):
    display = PredictionDisplay.from_estimator(network, x)
    assert display.y_pred == network.predict(X[5:6])[0]
    np.testing.assert_array_equal(display.image, X[5].reshape(8, 8))


def test_data_frame_with_names(network):
    frame = pd.DataFrame(X[:100], columns=[f"pixel {i}" for i in range(64)])
    named = BackpropMLPClassifier((10,), tol=0.1, random_state=0).fit(frame, Y[:100])
    display = PredictionDisplay.from_estimator(named, frame.iloc[[5]], Y[5])
    np.testing.assert_array_equal(display.image, X[5].reshape(8, 8))


def test_true_class_in_an_array(network):
    assert PredictionDisplay.from_estimator(network, X[5], Y[5:6]).y_true == Y[5]


def test_two_classes():
    two = Y < 2
    fitted = BackpropMLPClassifier((5,), random_state=0).fit(X[two], Y[two] == 1)
    display = PredictionDisplay.from_estimator(fitted, X[0], False)
    assert [label.get_text() for label in display.axes_[1].get_yticklabels()] == [
        "False",
        "True",
    ]
    assert words_of(display)[0].endswith("predicted, true")
    assert_readable(display.figure_)


@pytest.mark.parametrize(
    "classes",
    [
        list("0123456789"),
        ["an ankle boot", "a bag, handbag or a purse, anyway", "$5 and $10"],
        [f"letter {i}" for i in range(47)],
    ],
)
@pytest.mark.parametrize("share", [1, 0.51, 1e-4])
def test_readable(classes, share):
    probabilities = np.full(len(classes), (1 - share) / (len(classes) - 1))
    probabilities[1] = share
    for y_true in (classes[1], classes[2]):
        display = display_of(probabilities, classes, y_pred=classes[1], y_true=y_true)
        assert_readable(display.figure_)


@pytest.mark.parametrize("layout", [None, "constrained"])
def test_readable_in_given_axes(layout):
    figure, axes = plt.subplots(2, 2, figsize=(12, 8), layout=layout)
    classes = ["ankle boot", "bag", "sandal", "T-shirt or top"]
    for ax, share in zip(axes.flat, (0, 0.4, 0.6, 1), strict=True):
        display = PredictionDisplay(
            IMAGE, [share, 1 - share, 0, 0], classes, y_pred="ankle boot", y_true="bag"
        )
        assert display.plot(ax).figure_ is figure
    assert_readable(figure)


def test_two_given_axes(network):
    _, axes = plt.subplots(1, 2)
    assert PredictionDisplay.from_estimator(network, X[0], ax=axes).axes_ == list(axes)


def test_errors(network):
    with pytest.raises(AttributeError, match="Perceptron has no predict_proba"):
        PredictionDisplay.from_estimator(Perceptron().fit(X[:50], Y[:50]), X[0])
    with pytest.raises(ValueError, match=r"x must be one row, .* its shape is \(2, 64\)"):
        PredictionDisplay.from_estimator(network, X[:2])
    with pytest.raises(ValueError, match="y must be one label; it has 2"):
        PredictionDisplay.from_estimator(network, X[0], Y[:2])
    several = BackpropMLPClassifier((5,), tol=0.1, random_state=0)
    several.fit(X[:50], np.column_stack([Y[:50] > 4, Y[:50] % 2]))
    with pytest.raises(ValueError, match="The prediction must be one label; it has 2"):
        PredictionDisplay.from_estimator(several, X[0])
    with pytest.raises(ValueError, match=r"image_shape=\(3, 4\) has 12 pixels"):
        PredictionDisplay.from_estimator(network, X[0], image_shape=(3, 4))
