"""Many small images in one Axes, each with lines of text above it."""

from __future__ import annotations

from math import ceil, inf
from types import ModuleType

import numpy as np

from skdigitnet.plotting._common import check_count, inches, settle_layout, widest_text

# Lengths are in units of an image's longer side, except where inches or points are named.
IMAGE_INCHES = 0.8  # an image in a new figure, where there is room
FIGURE_INCHES = (14.0, 10.5)  # the largest height and width of a new figure
LARGEST_SCALE = 1.5  # of a given Axes, over a new figure
LINE = 1.35  # height of a line of text, in font sizes
BAR_WIDTH = 0.25
BAR_PLACE = 1.5  # width of a colour bar with its numbers and label
GAP = 0.14  # between columns, and between the rows' texts


class ImageGrid:
    """Places images and their texts; everything scales with the Axes.

    Parameters
    ----------
    plt : module
        matplotlib.pyplot.
    ax : Axes or None
        None creates a figure that fits the images and texts.
    images : ndarray of shape (n_images, height, width)
    texts : list of str
        One per image, of any number of lines.
    n_columns : int or None
        None shows the images as large as possible, in few rows.
    bar : bool
        Whether there is a colour bar to the right.

    Raises
    ------
    ValueError
        If ``n_columns`` is not None or an integer of 1 or more.
    """

    def __init__(
        self,
        plt: ModuleType,
        ax,
        images: np.ndarray,
        texts: list[str],
        n_columns: int | None,
        bar: bool = False,
    ):
        check_count("n_columns", 1 if n_columns is None else n_columns)
        self._images, self._texts = images, texts
        self._font_size = 0.9 * plt.rcParams["font.size"]  # points, at scale 1
        figure = plt.figure(layout="constrained") if ax is None else ax.figure
        n_lines = max(text.count("\n") + 1 if text else 0 for text in texts)
        text_width = widest_text(figure, texts, self._font_size, "bold") / IMAGE_INCHES
        text_height = n_lines * LINE * self._font_size / 72 / IMAGE_INCHES
        self._image_size = np.array(images.shape[1:]) / max(images.shape[1:])
        height, width = self._image_size
        self._pitch = np.array([height + text_height, max(width, text_width)]) + GAP
        self._beside = np.array([0, BAR_PLACE if bar else 0])
        if ax is None:
            ax = figure.add_subplot()
            box = FIGURE_INCHES if n_columns is None else (inf, inf)
            scale = self._arrange(n_columns, box, 1.0)
            size = self._size(self._shape) * scale * IMAGE_INCHES
            figure.set_size_inches(size[::-1] + 0.1)
        else:
            self._arrange(n_columns, inches(ax), LARGEST_SCALE)
        self.ax = ax
        ax.set_axis_off()

    def _arrange(self, n_columns: int | None, box, largest: float) -> float:
        """Choose the rows and columns that fit the box at the largest scale."""
        n_images = len(self._images)
        columns = range(1, n_images + 1) if n_columns is None else [n_columns]
        scale, negative_rows, n_columns = max(
            (self._scale((ceil(n_images / n), n), box, largest), -ceil(n_images / n), -n)
            for n in columns
        )
        self._shape = np.array([-negative_rows, -n_columns])
        return scale

    def _size(self, shape) -> np.ndarray:
        """Height and width of the whole grid."""
        return shape * self._pitch + self._beside

    def _scale(self, shape, box, largest: float) -> float:
        return min(largest, *(np.array(box) / IMAGE_INCHES / self._size(shape)))

    def _corner(self, i: int) -> tuple[float, float]:
        """Left and bottom of image i."""
        row, column = divmod(i, self._shape[1])
        left = column * self._pitch[1] + (self._pitch[1] - self._image_size[1]) / 2
        return left, (self._shape[0] - 1 - row) * self._pitch[0] + GAP / 2

    def draw_images(self, cmap, vmin: float, vmax: float) -> list:
        """One AxesImage per image."""
        height, width = self._image_size
        drawn = []
        for i, image in enumerate(self._images):
            left, bottom = self._corner(i)
            extent = (left, left + width, bottom, bottom + height)
            drawn.append(self.ax.imshow(image, cmap=cmap, vmin=vmin, vmax=vmax, extent=extent))
        height, width = self._size(self._shape)
        self.ax.set(xlim=(0, width), ylim=(0, height))
        settle_layout(self.ax.figure)
        self.scale = self._scale(self._shape, inches(self.ax), LARGEST_SCALE)
        return drawn

    def draw_texts(self) -> list:
        """One Text per image."""
        drawn = []
        for i, text in enumerate(self._texts):
            left, bottom = self._corner(i)
            drawn.append(
                self.ax.text(
                    left + self._image_size[1] / 2,
                    bottom + self._image_size[0] + GAP / 2,
                    text,
                    size=self._font_size * self.scale,
                    ha="center",
                    va="bottom",
                    parse_math=False,
                )
            )
        return drawn

    def draw_bar(self, image, label: str, extend: str):
        """A Colorbar of an AxesImage, as high as all rows."""
        height, width = self._shape * self._pitch
        box = (width + GAP, GAP / 2, BAR_WIDTH, height - GAP)
        place = self.ax.inset_axes(box, transform=self.ax.transData)
        bar = self.ax.figure.colorbar(image, cax=place, extend=extend)
        size = self._font_size * self.scale
        bar.set_label(label, size=size)
        place.tick_params(labelsize=size)
        return bar

    def draw_frame(self, plt: ModuleType, i: int, color: str, points: float):
        """A Rectangle around image i."""
        height, width = self._image_size
        frame = plt.Rectangle(
            self._corner(i),
            width,
            height,
            fill=False,
            edgecolor=color,
            linewidth=points * self.scale,
            joinstyle="miter",
            clip_on=False,
        )
        return self.ax.add_patch(frame)
