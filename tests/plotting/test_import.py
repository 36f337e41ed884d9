"""skdigitnet.plotting without matplotlib: it is imported, and says what is missing."""

import sys

import numpy as np
import pytest
from children import script

from skdigitnet import plotting


def test_nothing_of_matplotlib_is_imported_until_something_is_drawn():
    code = "import sys, skdigitnet.plotting; print('matplotlib' in sys.modules)"
    assert script(code) == "False\n"


IMAGES = np.zeros((1, 2, 2))


@pytest.mark.parametrize(
    "display",
    [
        plotting.DigitGridDisplay(IMAGES),
        plotting.LossCurveDisplay([[1.0]]),
        plotting.PredictionDisplay(IMAGES[0], [1.0, 0.0], [0, 1], y_pred=0),
        plotting.SearchDisplay([[1.0]], parameters=["a"], values=[[1]], best=(0,)),
        plotting.WeightImageDisplay(IMAGES, labels=["unit 0"]),
    ],
    ids=lambda display: type(display).__name__,
)
def test_plot_without_matplotlib_names_the_extra(display, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    name = type(display).__name__
    with pytest.raises(ImportError, match=rf'{name}.plot needs .*"skdigitnet\[plot\]"'):
        display.plot()


def test_every_display_is_tried():
    tried = test_plot_without_matplotlib_names_the_extra.pytestmark[0].args[1]
    displays = [name for name in plotting.__all__ if name.endswith("Display")]
    assert sorted(type(display).__name__ for display in tried) == sorted(displays)
