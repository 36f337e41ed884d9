"""Which digits DigitGridDisplay chooses, what it says of them, and where."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import same_color
from pictures import assert_readable, box_of, no_window, plt  # noqa: F401, a fixture
from scipy import sparse
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression, Perceptron
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdigitnet import BackpropMLPClassifier
from skdigitnet.plotting import DigitGridDisplay
from skdigitnet.plotting._common import VERMILION, percent

X, Y = load_digits(return_X_y=True)
X = X / 16
LONG = np.array(["a digit with a long name, far longer than any", "Nr. $5 of $10", "zwei"])


@pytest.fixture(scope="module")
def network():
    pipeline = make_pipeline(StandardScaler(), BackpropMLPClassifier((20,), random_state=0))
    return pipeline.fit(X[:300], Y[:300])


def texts_of(display):
    return [text.get_text() for text in display.texts_]


# Which rows


def test_first_rows():
    display = DigitGridDisplay.from_data(X, n_digits=7)
    np.testing.assert_array_equal(display.indices, np.arange(7))
    np.testing.assert_array_equal(display.images, X[:7].reshape(7, 8, 8))
    assert texts_of(display) == [""] * 7


def test_fewer_rows_than_digits():
    assert len(DigitGridDisplay.from_data(X[:3]).images_) == 3


def test_random_rows_are_different_and_repeatable():
    chosen = [
        DigitGridDisplay.from_data(X, n_digits=50, select="random", random_state=seed).indices
        for seed in (0, 0, 1)
    ]
    np.testing.assert_array_equal(chosen[0], chosen[1])
    assert set(chosen[0]) != set(chosen[2])
    assert len(set(chosen[0])) == 50


def test_worst_mistakes_are_the_most_confident_wrong_rows():
    y_pred = Y[:20].copy()
    y_pred[[2, 5, 9, 11]] += 1
    confidence = np.full(20, 0.99)
    confidence[[2, 5, 9, 11]] = [0.4, 0.9, 0.4, 0.6]
    display = DigitGridDisplay.from_predictions(
        X[:20], Y[:20], y_pred, confidence=confidence, select="mistakes", n_digits=3
    )
    assert display.indices.tolist() == [5, 11, 2]
    assert sorted(display.frames_) == [0, 1, 2]


def test_mistakes_without_confidence_are_in_the_order_of_rows():
    y_pred = Y[:20].copy()
    y_pred[[9, 2]] += 1
    display = DigitGridDisplay.from_predictions(X[:20], Y[:20], y_pred, select="mistakes")
    assert display.indices.tolist() == [2, 9]


# What is said of them


def test_predictions_of_a_pipeline(network):
    rows = slice(300, 360)
    display = DigitGridDisplay.from_estimator(network, X[rows], Y[rows], n_digits=60)
    y_pred, confidence = network.predict(X[rows]), network.predict_proba(X[rows]).max(axis=1)
    wrong = np.flatnonzero(y_pred != Y[rows])
    assert 0 < len(wrong) < 60
    assert sorted(display.frames_) == wrong.tolist()
    for i, text in enumerate(texts_of(display)):
        first, *second = text.split("\n")
        assert first == f"{y_pred[i]}  {percent(confidence[i])}"
        assert second == ([f"not {Y[rows][i]}"] if i in wrong else [])


def test_wrong_is_told_by_frame_and_colour_and_words():
    display = DigitGridDisplay.from_predictions(X[:3], [0, 1, 2], [0, 7, 2])
    display.figure_.canvas.draw()
    assert texts_of(display) == ["0", "7\nnot 1", "2"]
    assert [same_color(t.get_color(), VERMILION) for t in display.texts_] == [0, 1, 0]
    assert [t.get_weight() == "bold" for t in display.texts_] == [0, 1, 0]
    frame = display.frames_[1]
    assert same_color(frame.get_edgecolor(), VERMILION)
    assert not frame.get_fill()
    left, right, bottom, top = display.images_[1].get_extent()
    assert frame.get_bbox().extents == pytest.approx([left, bottom, right, top])


def test_confidence_is_that_of_the_predicted_class():
    """Also where that is not the most probable one."""
    two = Y < 2
    classifier = FixedThresholdClassifier(LogisticRegression(), threshold=0.999)
    classifier.fit(X[two][:100], Y[two][:100])
    display = DigitGridDisplay.from_estimator(classifier, X[two][100:200], n_digits=100)
    probabilities = classifier.predict_proba(X[two][100:200])
    assert (display.y_pred == 0).sum() > (probabilities[:, 0] > 0.5).sum()
    np.testing.assert_array_equal(
        display.confidence, probabilities[np.arange(100), display.y_pred]
    )


@pytest.mark.parametrize(
    "classifier",
    [
        Perceptron(random_state=0),
        BackpropMLPClassifier(
            (10,), loss="squared_error", output_activation="identity", tol=1e-3, random_state=0
        ),
    ],
)
def test_no_confidence_without_probabilities(classifier):
    classifier.fit(X[:300], Y[:300])
    display = DigitGridDisplay.from_estimator(classifier, X[300:340], Y[300:340])
    assert display.confidence is None
    assert not any("%" in text for text in texts_of(display))


def test_labels_without_predictions():
    display = DigitGridDisplay.from_data(X[:3], Y[:3])
    assert texts_of(display) == ["0", "1", "2"]
    assert not display.frames_


def test_dollars_in_labels_are_no_formula():
    display = DigitGridDisplay.from_data(X[:1], LONG[1:2])
    assert texts_of(display) == [LONG[1]]
    assert not display.texts_[0].get_parse_math()


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "0%"),
        (1e-9, "<1%"),
        (0.006, "1%"),
        (0.5, "50%"),
        (0.994, "99%"),
        (0.996, ">99%"),
        (1, "100%"),
    ],
)
def test_percent_rounds_nothing_to_certain(share, text):
    assert percent(share) == text


# Images of every kind of X


@pytest.mark.parametrize(
    "convert",
    [
        sparse.csr_matrix,
        sparse.coo_array,
        pd.DataFrame,
        lambda X: X.tolist(),
        lambda X: X.reshape(-1, 8, 8),
        lambda X: X.astype(np.float32),
    ],
)
def test_kinds_of_x(convert):
    display = DigitGridDisplay.from_data(convert(X[:12]), select="random", random_state=0)
    expected = X[display.indices].reshape(-1, 8, 8)
    np.testing.assert_array_equal(display.images, expected)


def test_other_image_shape():
    display = DigitGridDisplay.from_data(X[:2, :63], image_shape=(7, 9))
    np.testing.assert_array_equal(display.images[1], X[1, :63].reshape(7, 9))
    for image in display.images_:
        left, right, bottom, top = image.get_extent()
        assert (top - bottom) / (right - left) == pytest.approx(7 / 9)


def test_one_scale_for_all_pixels():
    display = DigitGridDisplay.from_data(X[:9] * np.arange(9)[:, None])
    assert {image.get_clim() for image in display.images_} == {(0, 8)}


# Where


@pytest.mark.parametrize("n_digits", [1, 2, 13, 40, 150])
@pytest.mark.parametrize("names", [np.arange(10), np.resize(LONG, 10)])
def test_readable(n_digits, names):
    y_true = names[Y[:n_digits]]
    y_pred = names[(Y[:n_digits] + (np.arange(n_digits) % 3 == 0)) % 10]
    confidence = np.linspace(0, 1, n_digits)
    display = DigitGridDisplay.from_predictions(
        X[:n_digits], y_true, y_pred, confidence=confidence, n_digits=n_digits
    )
    assert len(display.images_) == n_digits
    assert_readable(display.figure_)


@pytest.mark.parametrize("layout", [None, "constrained"])
def test_readable_in_given_axes(layout):
    figure, axes = plt.subplots(2, 3, figsize=(9, 6), layout=layout)
    for n_digits, ax in zip((1, 3, 10, 17, 30, 40), axes.flat, strict=True):
        ax.set_title("title")
        y_pred = (Y[:n_digits] + (np.arange(n_digits) % 4 == 0)) % 10
        display = DigitGridDisplay.from_predictions(X[:n_digits], Y[:n_digits], y_pred, ax=ax)
        assert display.ax_ is ax
    assert_readable(figure)


def test_rows_and_columns():
    display = DigitGridDisplay.from_data(X, n_digits=7, n_columns=3)
    display.figure_.canvas.draw()
    centres = np.array([(box_of(i).p0 + box_of(i).p1) / 2 for i in display.images_])
    columns, rows = np.unique(centres[:, 0].round()), np.unique(centres[:, 1].round())
    assert (len(columns), len(rows)) == (3, 3)
    np.testing.assert_array_equal(
        np.searchsorted(columns, centres[:, 0].round()), np.r_[:7] % 3
    )
    np.testing.assert_array_equal(
        np.searchsorted(rows, centres[:, 1].round()), 2 - np.r_[:7] // 3
    )


def test_upright():
    """A picture with a dark top is dark at the top."""
    X = np.r_[np.ones(8), np.zeros(8 * 7)][None]
    display = DigitGridDisplay.from_data(X)
    display.figure_.canvas.draw()
    pixels = np.asarray(display.figure_.canvas.buffer_rgba())[..., 0]
    dark = np.flatnonzero((pixels < 50).any(axis=1))
    assert dark.max() < pixels.shape[0] / 3


def test_mnist(mnist):
    X_train, y_train, _, _ = mnist
    display = DigitGridDisplay.from_data(X_train, y_train, select="random", random_state=0)
    assert display.images.shape == (40, 28, 28)
    assert_readable(display.figure_)


# Errors


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"select": "worst"}, "select must be one of first, random, mistakes; it is 'worst'"),
        ({"n_digits": 0}, "n_digits must be an integer of 1 or more; it is 0"),
        ({"n_columns": 1.5}, "n_columns must be an integer of 1 or more; it is 1.5"),
        ({"select": "mistakes"}, "has nothing to show: all 10 predictions are right"),
        ({"select": "mistakes", "y_true": None}, "needs true and predicted labels; give y"),
        ({"y_pred": Y[:9]}, "inconsistent numbers of samples"),
        ({"y_pred": np.ones((10, 2))}, "y_pred must have one label a row"),
        ({"confidence": np.linspace(0, 1.1, 10)}, "confidence must be .* from 0.0 to 1.1"),
        ({"X": X[:10, :63]}, "63 features make no square image. Give image_shape"),
        ({"image_shape": (7, 9)}, r"image_shape=\(7, 9\) has 63 pixels, .* 64 features"),
        ({"X": X[:10].ravel(), "y_true": None, "y_pred": None}, r"of shape \(40,\)"),
        ({"X": X[:0], "y_true": None, "y_pred": None}, "X has no rows"),
    ],
)
def test_errors(change, message):
    arguments = {"X": X[:10], "y_true": Y[:10], "y_pred": Y[:10]} | change
    with pytest.raises(ValueError, match=message):
        DigitGridDisplay.from_predictions(**arguments)
