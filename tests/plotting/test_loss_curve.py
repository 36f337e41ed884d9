"""Which curves LossCurveDisplay draws, where the best epoch is, and what names them."""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from pictures import assert_readable, box_of, no_window, plt  # noqa: F401, a fixture
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold, cross_validate
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdigitnet import BackpropMLPClassifier
from skdigitnet.plotting import LossCurveDisplay

X, Y = load_digits(return_X_y=True)
X, Y = X[:300] / 16, Y[:300]


def network(**parameters):
    return BackpropMLPClassifier((10,), tol=1e-2, random_state=0, **parameters)


@pytest.fixture(scope="module")
def stopped():
    return make_pipeline(StandardScaler(), network(early_stopping=True)).fit(X, Y)


@pytest.fixture(scope="module")
def folds():
    pipeline = make_pipeline(StandardScaler(), network(early_stopping=True))
    return cross_validate(pipeline, X, Y, cv=KFold(30), return_estimator=True)["estimator"]


def curves_of(lines):
    return [(line.get_xdata().tolist(), line.get_ydata().tolist()) for line in lines]


def legend_of(display):
    legends = [*display.figure_.legends, display.axes_[0].get_legend()]
    return [text.get_text() for legend in legends if legend for text in legend.get_texts()]


def random_curves(n_networks, n_epochs=20):
    random = np.random.RandomState(0)
    return [np.exp(-np.cumsum(random.uniform(size=n_epochs))) for _ in range(n_networks)]


def test_loss_alone():
    fitted = network().fit(X, Y)
    display = LossCurveDisplay.from_estimator(fitted)
    (ax,) = display.axes_
    epochs = list(range(1, fitted.n_iter_ + 1))
    assert curves_of(display.loss_lines_) == [(epochs, fitted.loss_curve_)]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Epoch", "Training loss")
    assert display.score_lines_ == display.best_markers_ == []
    assert ax.get_legend() is None
    assert_readable(display.figure_)


def test_validation_scores_of_a_pipeline(stopped):
    display = LossCurveDisplay.from_estimator(stopped)
    upper, lower = display.axes_
    scores = stopped[-1].validation_scores_
    epochs = list(range(1, len(scores) + 1))
    assert curves_of(display.loss_lines_) == [(epochs, stopped[-1].loss_curve_)]
    assert curves_of(display.score_lines_) == [(epochs, scores)]
    assert (upper.get_xlabel(), lower.get_xlabel()) == ("", "Epoch")
    assert lower.get_ylabel() == "Validation score"
    assert upper.get_xlim() == lower.get_xlim()
    assert_readable(display.figure_)
    assert box_of(upper).y0 > box_of(lower).y1


def test_best_epoch_is_that_of_the_best_score(stopped):
    display = LossCurveDisplay.from_estimator(stopped)
    best = np.argmax(stopped[-1].validation_scores_)
    assert curves_of(display.best_markers_) == [
        ([best + 1], [stopped[-1].loss_curve_[best]]),
        ([best + 1], [stopped[-1].validation_scores_[best]]),
    ]
    assert legend_of(display) == [f"best epoch ({best + 1})"]


@pytest.mark.parametrize(("best", "expected"), [(2, [2]), (None, [])])
def test_best_iteration_is_believed(best, expected):
    """An estimator's own word goes before its scores."""
    fitted = network(early_stopping=True).fit(X, Y)
    fitted.best_iteration_ = best
    display = LossCurveDisplay.from_estimator(fitted)
    assert [x for x, _ in curves_of(display.best_markers_)] == [expected] * 2 * len(expected)


def test_mlp_classifier_whose_best_epoch_is_not_said():
    fitted = MLPClassifier((10,), early_stopping=True, tol=1e-2, random_state=0).fit(X, Y)
    assert not hasattr(fitted, "best_iteration_")
    display = LossCurveDisplay.from_estimator(fitted)
    assert display.best_iterations == [int(np.argmax(fitted.validation_scores_)) + 1]


def test_search_shows_its_best(stopped):
    search = GridSearchCV(stopped, {"backpropmlpclassifier__alpha": [0.1, 1]}, cv=2).fit(X, Y)
    display = LossCurveDisplay.from_estimator(search)
    best = search.best_estimator_[-1]
    assert display.loss_curves == [best.loss_curve_]


def test_several_networks_are_told_apart(folds):
    display = LossCurveDisplay.from_estimator(folds[:7])
    assert len({to_hex(line.get_color()) for line in display.loss_lines_}) == 7
    colors = [[line.get_color() for line in lines] for lines in _lines(display)]
    assert colors[0] == colors[1]
    assert legend_of(display) == [*"1234567", "best epoch"]
    assert len(display.best_markers_) == 14
    assert_readable(display.figure_)


def _lines(display):
    return display.loss_lines_, display.score_lines_


def test_thirty_folds_are_one_entry(folds):
    display = LossCurveDisplay.from_estimator(folds, log_scale=True)
    assert [len(lines) for lines in _lines(display)] == [30, 30]
    assert legend_of(display) == ["30 networks", "best epoch"]
    assert_readable(display.figure_)


def test_many_labels_stand_beside_the_curves():
    labels = [f"network number {i}, $\\alpha$ = {i / 10}" for i in range(24)]
    display = LossCurveDisplay(random_curves(24), labels=labels).plot()
    assert legend_of(display) == labels
    styles = {(line.get_color(), line.get_linestyle()) for line in display.loss_lines_}
    assert len(styles) == 24
    (legend,) = display.figure_.legends
    display.figure_.canvas.draw()
    assert not legend.get_window_extent().overlaps(box_of(display.axes_[0]))
    assert_readable(display.figure_)


def test_networks_with_and_without_validation():
    losses = random_curves(2, 5)
    scores = [None, [0.1, 0.3, 0.5, 0.4, 0.4]]
    display = LossCurveDisplay(losses, validation_scores=scores, best_iterations=[None, 3])
    display.plot()
    assert [len(lines) for lines in _lines(display)] == [2, 1]
    assert display.score_lines_[0].get_color() == display.loss_lines_[1].get_color()
    assert [x for x, _ in curves_of(display.best_markers_)] == [[3], [3]]


def test_log_scale():
    scales = [
        LossCurveDisplay(random_curves(2)).plot(log_scale=log_scale).axes_[0].get_yscale()
        for log_scale in (False, True)
    ]
    assert scales == ["linear", "log"]


def test_a_single_epoch_is_seen():
    display = LossCurveDisplay([[0.5]]).plot()
    display.figure_.canvas.draw()
    assert display.loss_lines_[0].get_marker() == "."


def test_one_given_axes_is_divided(stopped):
    figure, axes = plt.subplots(1, 2, figsize=(10, 4))
    display = LossCurveDisplay.from_estimator(stopped, ax=axes[0])
    assert display.figure_ is figure
    figure.canvas.draw()
    place = box_of(axes[0])
    for panel in display.axes_:
        box = box_of(panel)
        assert place.x0 <= box.x0 < box.x1 <= place.x1
        assert place.y0 <= box.y0 < box.y1 <= place.y1
    assert not axes[0].axison
    assert_readable(figure)


def test_one_given_axes_holds_the_loss_alone():
    _, ax = plt.subplots()
    assert LossCurveDisplay(random_curves(1)).plot(ax).axes_ == [ax]


def test_two_given_axes(stopped):
    _, axes = plt.subplots(1, 2)
    display = LossCurveDisplay.from_estimator(stopped, ax=axes)
    assert display.axes_ == list(axes)
    assert [ax.get_xlabel() for ax in axes] == ["Epoch", "Epoch"]


def test_errors(stopped):
    with pytest.raises(NotFittedError):
        LossCurveDisplay.from_estimator(network())
    with pytest.raises(AttributeError, match="LogisticRegression has no loss_curve_, and nei"):
        LossCurveDisplay.from_estimator(LogisticRegression().fit(X, Y))
    with pytest.raises(ValueError, match="estimator is an empty sequence"):
        LossCurveDisplay.from_estimator([])
    with pytest.raises(ValueError, match="labels must have an entry for each of the 1 loss"):
        LossCurveDisplay.from_estimator(stopped, labels=["one", "two"])
    with pytest.raises(ValueError, match="validation_scores must have an entry for each"):
        LossCurveDisplay([[1, 2]], validation_scores=[]).plot()
    with pytest.raises(ValueError, match="ax has 3 Axes; give one Axes or 2 of them"):
        LossCurveDisplay.from_estimator(stopped, ax=plt.subplots(3)[1])
    with pytest.raises(ValueError, match="ax must have a place in a grid"):
        LossCurveDisplay.from_estimator(stopped, ax=plt.figure().add_axes((0, 0, 1, 1)))
