"""What all displays have in common: scikit-learn's convention, and examples that run."""

import doctest
import sys

import numpy as np
import pytest
from pictures import no_window, plt  # noqa: F401, a fixture

from skdigitnet import plotting

RANDOM = np.random.RandomState(0)
MAKERS = {
    "DigitGridDisplay": lambda: plotting.DigitGridDisplay(
        RANDOM.uniform(size=(5, 3, 3)), y_true=np.arange(5), y_pred=np.arange(5) % 3
    ),
    "LossCurveDisplay": lambda: plotting.LossCurveDisplay(
        [[3, 2, 1]], validation_scores=[[0.1, 0.3, 0.2]], best_iterations=[2]
    ),
    "PredictionDisplay": lambda: plotting.PredictionDisplay(
        RANDOM.uniform(size=(3, 3)), [0.2, 0.7, 0.1], ["a", "b", "c"], y_pred="b"
    ),
    "SearchDisplay": lambda: plotting.SearchDisplay(
        RANDOM.uniform(size=(2, 2, 3)),
        parameters=["a", "b"],
        values=[[1, 2], ["x", "y"]],
        best=(0, 1),
    ),
    "WeightImageDisplay": lambda: plotting.WeightImageDisplay(
        RANDOM.normal(size=(5, 3, 3)), labels=list("abcde")
    ),
}


@pytest.fixture(params=[name for name in plotting.__all__ if name.endswith("Display")])
def display(request):
    return MAKERS[request.param]()


def axes_of(display):
    return display.axes_ if hasattr(display, "axes_") else [display.ax_]


def test_new_figure(display):
    assert display.plot() is display
    assert plt.get_fignums() == [display.figure_.number], "a notebook shows it"
    assert all(ax.figure is display.figure_ for ax in axes_of(display))


def test_given_axes(display):
    figure, (ax, other) = plt.subplots(1, 2)
    assert display.plot(ax) is display
    assert plt.get_fignums() == [figure.number]
    assert display.figure_ is figure
    assert not other.has_data()


def test_given_axes_without_ticks(display):
    display.plot(plt.subplots(subplot_kw={"xticks": [], "yticks": []})[1])
    display.figure_.canvas.draw()


def test_axes_of_a_subfigure(display):
    figure = plt.figure(layout="constrained", figsize=(10, 4))
    left, _ = figure.subfigures(1, 2)
    display.plot(left.subplots())
    figure.canvas.draw()
    assert display.figure_ is left


def test_drawn_twice_gives_the_same_picture(display):
    pictures = []
    for _ in range(2):
        display.plot().figure_.canvas.draw()
        pictures.append(np.asarray(display.figure_.canvas.buffer_rgba()).copy())
    np.testing.assert_array_equal(*pictures)


@pytest.mark.parametrize("name", plotting.__all__)
def test_examples(name):
    module = sys.modules[getattr(plotting, name).__module__]
    result = doctest.testmod(module)
    assert result.attempted > 5
    assert result.failed == 0
