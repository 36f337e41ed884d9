"""What the tests of skdigitnet.plotting share: no window, no figure left, readable text."""

import itertools

import numpy as np
import pytest

matplotlib = pytest.importorskip("matplotlib", reason='needs the extra "plot"')
matplotlib.use("Agg")

import matplotlib.pyplot as plt  # noqa: E402, the backend comes first
from matplotlib.image import AxesImage  # noqa: E402
from matplotlib.legend import Legend  # noqa: E402
from matplotlib.transforms import Bbox  # noqa: E402


@pytest.fixture(autouse=True)
def no_window(monkeypatch):
    """No display shows its figure, and no test leaves one."""

    def show(*args, **kwargs):
        raise AssertionError("a display showed its figure")

    monkeypatch.setattr(plt, "show", show)
    yield
    plt.close("all")


def tick_labels(axis):
    """Those that are drawn: inside the view."""
    low, high = sorted(axis.get_view_interval())
    return [tick.label1 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]


def drawn_texts(figure):
    """Every text that is seen."""
    texts = []
    for ax in figure.findobj(plt.Axes):
        texts += [child for child in ax.get_children() if isinstance(child, plt.Text)]
        if ax.axison:
            for axis in (ax.xaxis, ax.yaxis):
                texts += [axis.label, *tick_labels(axis)]
    for legend in figure.findobj(Legend):
        texts += [legend.get_title(), *legend.get_texts()]
    return [text for text in texts if text.get_visible() and text.get_text()]


def box_of(artist):
    """Where it is drawn, in pixels; less a pixel, so that neighbours may touch."""
    box = artist.get_window_extent(artist.get_figure().canvas.get_renderer())
    return Bbox.from_extents(box.x0 + 0.5, box.y0 + 0.5, box.x1 - 0.5, box.y1 - 0.5)


def assert_readable(figure):
    """Nothing is cut off, and no text is on another, or on an image in a grid."""
    figure.canvas.draw()
    texts = [(text, box_of(text)) for text in drawn_texts(figure)]
    images = [image for image in figure.findobj(AxesImage) if not image.axes.axison]
    images = [(image, box_of(image)) for image in images]
    for artist, box in (*texts, *images):
        inside = (box.x0 >= 0, box.y0 >= 0, box.x1 <= figure.bbox.x1, box.y1 <= figure.bbox.y1)
        assert all(inside), f"{artist} is not wholly in the figure: {box}"
    level = [pair for pair in texts if pair[0].get_rotation() != 45]  # slanted boxes overlap
    for (one, box), (other, other_box) in itertools.combinations(level, 2):
        assert not box.overlaps(other_box), f"{one} is on {other}"
    for (text, box), (_, image_box) in itertools.product(texts, images):
        assert not box.overlaps(image_box), f"{text} is on an image"


def assert_slanted_apart(labels):
    """Lines of slanted text do not touch: they are sqrt(1/2) of their distance apart."""
    assert {label.get_rotation() for label in labels} == {45}
    places = [label.get_window_extent().x1 for label in labels]
    dpi = labels[0].get_figure().dpi
    assert np.diff(places).min() * np.sqrt(0.5) > labels[0].get_size() / 72 * dpi
