"""A picture of a digit becomes the row that the network was trained on."""

import struct
import sys
import zlib

import mutations
import numpy as np
import pytest
from effort import effort
from scipy import ndimage
from sklearn.datasets import load_digits

from skdigitnet import BackpropMLPClassifier
from skdigitnet.datasets import _image, load_image, load_mnist

Image = pytest.importorskip(
    "PIL.Image", reason='Pillow is not installed: pip install "skdigitnet[images]"'
)
from PIL import ImageDraw  # noqa: E402, after the check that it is there

HEIGHT, WIDTH = 400, 300
# corners of the strokes, in shares of the digit's height
STROKES = {
    1: [(0.1, 0.25), (0.35, 0.0), (0.35, 1.0)],
    4: [(0.5, 1.0), (0.5, 0.0), (0.0, 0.65), (0.7, 0.65)],
    7: [(0.0, 0.0), (0.65, 0.0), (0.25, 1.0)],
    2: [(0.0, 0.2), (0.3, 0.0), (0.6, 0.2), (0.0, 1.0), (0.65, 1.0)],
}


def draw(digit, *, height=240, at=(60, 70), stroke=0.11):
    """Dark ink on white paper, (HEIGHT, WIDTH) from 0 to 1."""
    picture = Image.new("L", (WIDTH, HEIGHT), 255)
    points = [(at[0] + height * x, at[1] + height * y) for x, y in STROKES[digit]]
    pen = ImageDraw.Draw(picture)
    pen.line(points, fill=20, width=round(stroke * height), joint="curve")
    return np.asarray(picture) / 255


def correlation(row, other):
    return np.corrcoef(row, other)[0, 1]


def nearly_same(row, other):
    """The correlation where a centre of mass between two pixels may go to either."""
    image = row.reshape(28, 28)
    shifts = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    return max(correlation(np.roll(image, by, axis=(0, 1)).ravel(), other) for by in shifts)


def photograph(image, rng):
    """An MNIST-like image as dark ink on paper, enlarged, somewhere on the paper."""
    ink = ndimage.zoom(image, 9, order=1).clip(0, 1)
    paper = np.full((HEIGHT, WIDTH), 0.9)
    top, left = rng.integers(0, HEIGHT - len(ink)), rng.integers(0, WIDTH - len(ink))
    paper[top : top + len(ink), left : left + len(ink)] -= 0.8 * ink
    return paper + rng.normal(scale=0.01, size=paper.shape).clip(-0.05, 0.05)


def centre_of_mass(row):
    return np.array(ndimage.center_of_mass(row.reshape(28, 28)))


digits = pytest.mark.parametrize("digit", STROKES)
sizes = pytest.mark.parametrize("size", [28, 8])


@digits
@sizes
def test_row_is_like_those_of_the_data(digit, size):
    row = load_image(draw(digit), size=size)
    assert row.shape == (size * size,)
    assert row.dtype == np.float64
    largest = 1 if size == 28 else 16
    assert row.min() == 0
    assert 0.9 * largest < row.max() <= largest
    image = row.reshape(size, size)
    rows, columns = (np.flatnonzero(image.any(axis=axis)) for axis in (1, 0))
    if size == 28:  # a box of 20 x 20, its centre of mass at pixel (14, 14)
        assert 20 <= max(np.ptp(rows), np.ptp(columns)) + 1 <= 21
        np.testing.assert_allclose(centre_of_mass(row), 14, atol=0.51)
    else:
        assert (rows[0], rows[-1]) == (0, 7)


CHANGES = {
    "elsewhere": lambda picture: np.roll(picture, (50, -40), axis=(0, 1)),
    "light on dark": lambda picture: 1 - picture,
    "faint": lambda picture: 0.55 + 0.25 * picture,
    "uneven light": lambda picture: picture * np.linspace(0.5, 1, WIDTH),
    "shadow in a corner": lambda picture: (
        picture
        * (1 - 0.5 * np.outer(np.linspace(1, 0, HEIGHT) ** 2, np.linspace(1, 0, WIDTH) ** 2))
    ),
    "noise": lambda picture: (
        picture + np.random.default_rng(0).normal(scale=0.03, size=picture.shape)
    ).clip(0, 1),
    "bytes": lambda picture: (255 * picture).round().astype(np.uint8),
    "16 bits": lambda picture: (65535 * picture).round().astype(np.uint16),
    "two values": lambda picture: picture > 0.5,
    "blue ink": lambda picture: np.stack([picture, picture, 0.4 + 0.6 * picture], axis=2),
    "transparent paper": lambda picture: np.stack(
        [np.zeros_like(picture), 1 - picture], axis=2
    ),
    "four channels": lambda picture: np.stack([picture] * 3 + [np.ones_like(picture)], axis=2),
    "one channel": lambda picture: picture[:, :, np.newaxis],
    "a wider margin": lambda picture: np.pad(picture, 200, constant_values=1),
    "ruled paper": lambda picture: np.where(
        np.arange(HEIGHT)[:, np.newaxis] % 50 == 0, picture * 0.93, picture
    ),
}


@digits
@sizes
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_same_row_however_it_is_pictured(digit, size, change):
    row = load_image(draw(digit), size=size)
    assert correlation(load_image(change(draw(digit)), size=size), row) > 0.97


@digits
@pytest.mark.parametrize("height", [60, 120, 300])
def test_same_row_at_every_size(digit, height):
    row = load_image(draw(digit))
    assert correlation(load_image(draw(digit, height=height, at=(30, 30))), row) > 0.95


@digits
@pytest.mark.parametrize("name", ["digit.png", "digit.jpg", "digit.bmp", "digit.webp"])
def test_files(digit, name, tmp_path):
    picture = Image.fromarray((255 * draw(digit)).round().astype(np.uint8)).convert("RGB")
    picture.save(tmp_path / name)
    row = load_image(draw(digit))
    assert correlation(load_image(tmp_path / name), row) > 0.99
    np.testing.assert_array_equal(load_image(str(tmp_path / name)), load_image(tmp_path / name))


@digits
@pytest.mark.parametrize(("orientation", "turns"), [(1, 0), (3, 2), (6, 1), (8, 3)])
def test_photograph_is_turned_as_it_says(digit, orientation, turns, tmp_path):
    # stored turned to the left by so many quarters, which the viewer turns back
    stored = np.rot90((255 * draw(digit)).round().astype(np.uint8), turns)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.ascontiguousarray(stored)).save(tmp_path / "digit.png", exif=exif)
    assert correlation(load_image(tmp_path / "digit.png"), load_image(draw(digit))) > 0.99


def test_large_photograph(tmp_path):
    picture = np.kron(draw(4), np.ones((8, 8)))
    Image.fromarray((255 * picture).astype(np.uint8)).save(tmp_path / "large.jpg")
    row = load_image(draw(4))
    assert nearly_same(load_image(tmp_path / "large.jpg"), row) > 0.98
    assert nearly_same(load_image(picture), row) > 0.98


def test_mnist_photographed_is_mnist(mnist):
    X, y = load_mnist(subset="train", return_X_y=True)
    X_valid, y_valid = X[-200:], y[-200:]
    rng = np.random.default_rng(0)
    rows = np.array([load_image(photograph(row.reshape(28, 28), rng)) for row in X_valid])
    correlations = [correlation(*pair) for pair in zip(rows, X_valid, strict=True)]
    assert np.median(correlations) > 0.97
    distances = [
        np.abs(centre_of_mass(a) - centre_of_mass(b)).max()
        for a, b in zip(rows, X_valid, strict=True)
    ]
    assert np.quantile(distances, 0.95) < 1
    clf = BackpropMLPClassifier((50,), max_iter=6, n_iter_no_change=np.inf, random_state=0)
    clf.fit(X[:20000], y[:20000])
    assert clf.score(rows, y_valid) > clf.score(X_valid, y_valid) - 0.01


def test_network_trained_on_digits_reads_pictures():
    X, y = load_digits(return_X_y=True)
    clf = BackpropMLPClassifier(random_state=0).fit(X / 16, y)
    rows = np.array([load_image(draw(digit), size=8) for digit in (4, 7, 2)])
    np.testing.assert_array_equal(clf.predict(rows / 16), [4, 7, 2])


# Frames


LEFT, TOP, RIGHT, BOTTOM = range(4)
BOX = (LEFT, TOP, RIGHT, BOTTOM)


def framed(picture, sides=BOX, *, width=3, offset=0, ink=0.1, grid=False, turned=0.0):
    """The picture with lines at some distance from its border, which a grid reaches."""
    height, breadth = picture.shape
    margin = 60  # beyond the border, for what turns into the picture
    page = np.pad(picture, margin, mode="edge")
    rows = slice(None) if grid else slice(margin + offset, margin + height - offset)
    columns = slice(None) if grid else slice(margin + offset, margin + breadth - offset)
    near, far = margin + offset, -margin - offset
    lines = {
        LEFT: np.s_[rows, near : near + width],
        TOP: np.s_[near : near + width, columns],
        RIGHT: np.s_[rows, far - width : far],
        BOTTOM: np.s_[far - width : far, columns],
    }
    for side in sides:
        page[lines[side]] = ink
    page = ndimage.rotate(page, turned, reshape=False, order=1, mode="nearest")
    return page[margin:-margin, margin:-margin]


FRAMES = {
    **{f"{width} at the border": {"width": width} for width in (1, 3, 8, 20)},
    **{f"at {offset}": {"offset": offset} for offset in (1, 4, 12, 40)},
    **{f"grid at {offset}": {"offset": offset, "grid": True} for offset in (1, 8, 40)},
    **{f"turned by {angle}": {"offset": 12, "turned": angle} for angle in (-1, 3, 6)},
    **{
        f"grid turned by {angle}": {"offset": 12, "turned": angle, "grid": True}
        for angle in (-4, 2)
    },
    "thick, turned": {"width": 10, "turned": 2, "grid": True},
    "corner": {"sides": (LEFT, TOP), "offset": 6},
    "three sides": {"sides": (LEFT, BOTTOM, RIGHT), "offset": 6},
    "line at the left": {"sides": (LEFT,), "offset": 15, "grid": True},
    "line below": {"sides": (BOTTOM,), "offset": 30, "grid": True},
    "underlined": {"sides": (BOTTOM,), "offset": 30},
    "lines above and below": {"sides": (TOP, BOTTOM), "offset": 20, "grid": True},
    "fainter": {"offset": 5, "ink": 0.5},
}
frames = pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)


@digits
@frames
def test_frame_is_not_ink(digit, frame):
    picture = draw(digit)
    expected = load_image(framed(picture, (), turned=frame.get("turned", 0)))
    for with_frame in (framed(picture, **frame), 1 - framed(picture, **frame)):
        assert nearly_same(load_image(with_frame), expected) > 0.97


def test_frames_of_small_pictures_and_of_faint_digits():
    for shrunk in (4, 8):
        picture = draw(4)[::shrunk, ::shrunk]
        expected = load_image(picture)
        with_frame = framed(picture, width=1, offset=1)
        assert nearly_same(load_image(with_frame), expected) > 0.97
    pencil = 0.6 + 0.4 * draw(4)
    row = load_image(framed(pencil, width=4, offset=6, ink=0.0))
    assert nearly_same(row, load_image(draw(4))) > 0.97


def test_frame_in_a_frame():
    picture = framed(framed(draw(2), offset=4), offset=20, width=2)
    assert nearly_same(load_image(picture), load_image(draw(2))) > 0.97


@pytest.mark.parametrize("name", ["3 at the border", "grid at 8", "turned by 3", "corner"])
def test_framed_mnist_is_mnist(mnist, name):
    X, _ = load_mnist(subset="train", return_X_y=True)
    for row in X[-60:]:
        photographed = np.full((HEIGHT, WIDTH), 0.9)
        photographed[90:314, 40:264] -= 0.8 * ndimage.zoom(row.reshape(28, 28), 8, order=1)
        frame = FRAMES[name]
        expected = load_image(framed(photographed, (), turned=frame.get("turned", 0)))
        assert nearly_same(load_image(framed(photographed, **frame)), expected) > 0.97


@pytest.mark.parametrize("angle", [0, 3])
@pytest.mark.parametrize("offset", [0, 10])
def test_frame_without_a_digit(offset, angle):
    paper = np.full((HEIGHT, WIDTH), 0.9)
    picture = framed(paper, offset=offset, turned=angle, grid=True)
    with pytest.raises(
        ValueError, match=r"no digit to be seen.* unless it is a frame|opposite corners"
    ):
        load_image(picture)


def test_box_is_a_zero_and_a_line_is_a_one():
    """Also where the one goes from border to border."""
    box = framed(draw(4) * 0 + 0.9, width=20, offset=70)
    assert load_image(box).reshape(28, 28)[14, 14] == 0
    line = np.full((HEIGHT, WIDTH), 0.9)
    line[:, 140:160] = 0.1
    in_rows = load_image(line).reshape(28, 28).max(axis=1)
    assert np.count_nonzero(in_rows > 0.9) == 20


def test_digit_that_touches_its_frame():
    zero = Image.new("L", (WIDTH, HEIGHT), 255)
    ImageDraw.Draw(zero).ellipse((80, 150, 220, 360), outline=20, width=24)
    picture = framed(np.asarray(zero) / 255, (BOTTOM,), offset=40, grid=True)
    with pytest.raises(ValueError, match=r"straight line from side to side .* Cut it off"):
        load_image(picture)


# Two digits


@pytest.mark.parametrize(
    "two",
    [
        lambda: np.hstack([draw(4), draw(2)]),
        lambda: np.hstack([draw(1), draw(1)]),
        lambda: np.vstack([draw(7), draw(4)]),
        lambda: np.minimum(draw(1, at=(10, 20)), draw(2, height=200, at=(140, 150))),
        lambda: framed(np.hstack([draw(7), draw(2)]), offset=5),
    ],
    ids=["beside", "ones", "above", "shifted", "in a frame"],
)
@pytest.mark.parametrize("negative", [False, True])
def test_two_digits(two, negative):
    with pytest.raises(ValueError, match=r"two digits.* Give a picture of one digit"):
        load_image(1 - two() if negative else two())


def test_broken_digit_is_one_digit():
    whole = load_image(draw(7))
    for rows, columns in [((150, 160), (0, WIDTH)), ((0, 100), (120, 126))]:
        picture = draw(7)
        picture[slice(*rows), slice(*columns)] = 1
        assert correlation(load_image(picture), whole) > 0.9


# No margin


@pytest.mark.parametrize("digit", [4, 2])
def test_digit_cut_out_closely(digit):
    ink = draw(digit) < 0.5
    rows, columns = (np.flatnonzero(ink.any(axis=axis)) for axis in (1, 0))
    close = draw(digit)[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    assert correlation(load_image(close), load_image(draw(digit))) > 0.95


@pytest.mark.parametrize("leaning", [2, 6, 20])
@pytest.mark.parametrize("width", [25, 40])
@pytest.mark.parametrize("negative", [False, True])
def test_one_without_paper_to_tell(leaning, width, negative):
    columns = np.arange(width + leaning)
    left = np.linspace(leaning, 0, 240).round()[:, np.newaxis]
    picture = np.where((columns >= left) & (columns < left + width), 0.1, 0.9)
    with pytest.raises(ValueError, match=r"opposite corners.* Leave a margin|no digit"):
        load_image(1 - picture if negative else picture)


# Canvases


@digits
@pytest.mark.parametrize("grey", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("below", [0.0, 1.0])  # what is under full transparency
@pytest.mark.parametrize("n_colors", [1, 3])
def test_strokes_on_a_transparent_canvas(digit, grey, below, n_colors):
    alpha = 1 - draw(digit)
    color = np.where(alpha > 0.1, grey, below)
    picture = np.stack([color] * n_colors + [alpha], axis=2)
    assert correlation(load_image(picture), load_image(draw(digit))) > 0.99


def test_white_strokes_on_a_transparent_canvas_in_a_file(tmp_path):
    alpha = (255 * (1 - draw(4))).round().astype(np.uint8)
    canvas = np.dstack([np.full((HEIGHT, WIDTH, 3), 255, np.uint8), alpha])
    Image.fromarray(canvas).save(tmp_path / "canvas.png")
    assert correlation(load_image(tmp_path / "canvas.png"), load_image(draw(4))) > 0.99


# What cannot be read


@pytest.mark.parametrize(
    ("picture", "match"),
    [
        (np.ones((100, 80)), "no digit to be seen"),
        (np.zeros((100, 80)), "no digit to be seen"),
        (np.random.default_rng(0).random((100, 80)), "no digit to be seen"),
        (np.tile(np.linspace(0.4, 0.9, 80), (100, 1)), "no digit to be seen"),
        (np.ones((4, 80)), r"8 x 8 pixels at least.*\(4, 80, 1\)"),
        (np.ones(100), "shape"),
        (np.ones((20, 20, 5)), "channels"),
        (np.ones((20, 20), dtype=int), "int64"),
        (255 * draw(4), "from .* to 255.0"),
        (np.where(draw(4) < 0.5, np.nan, 1), "nan"),
        (-draw(4), "-1.0"),
    ],
)
def test_bad_arrays(picture, match):
    with pytest.raises(ValueError, match=f"(?s)path_or_array: .*{match}"):
        load_image(picture)


@pytest.mark.parametrize("size", [10, 28.5, "28", None])
def test_bad_size(size):
    with pytest.raises(ValueError, match=f"size must be 28 or 8, but is {size!r}"):
        load_image(draw(4), size=size)


def png_of_size(width, height):
    """A PNG file that declares a size and holds next to nothing."""

    def chunk(kind, data):
        crc = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + crc

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + rows + chunk(b"IEND", b"")


@pytest.mark.parametrize("width", [9000, 60000])
def test_bombs(width, tmp_path):
    (tmp_path / "bomb.png").write_bytes(png_of_size(width, width))
    with pytest.raises(ValueError, match=r"(?s)bomb\.png .*(pixels|decompression bomb)"):
        load_image(tmp_path / "bomb.png")


def test_damaged_files(tmp_path):
    Image.fromarray((255 * draw(4)).astype(np.uint8)).save(tmp_path / "digit.png")
    whole = (tmp_path / "digit.png").read_bytes()
    for damaged in (b"", b"GIF89a", b"no picture", whole[: len(whole) // 2]):
        (tmp_path / "damaged.png").write_bytes(damaged)
        with pytest.raises(ValueError, match=r"damaged\.png cannot be read as a picture"):
            load_image(tmp_path / "damaged.png")
    with pytest.raises(FileNotFoundError):
        load_image(tmp_path / "missing.png")


@pytest.mark.filterwarnings("ignore")  # Pillow's, about what it skips
def test_mutated_pictures_are_read_or_refused(tmp_path):
    picture = Image.fromarray((255 * draw(4)).astype(np.uint8))
    rights = []
    for name in _image.FORMATS:
        picture.save(tmp_path / "right", name)
        rights.append((tmp_path / "right").read_bytes())
    n_files, n_read = effort(200, 5000), 0
    for number in range(n_files):
        rng = mutations.generator("picture", number)
        content = mutations.bytes_changed(rng.choice(rights), rng, share=1)
        (tmp_path / "mutated").write_bytes(content)
        try:
            assert load_image(tmp_path / "mutated").shape == (784,)
            n_read += 1
        except ValueError as error:
            if not str(error).startswith(str(tmp_path / "mutated")):
                raise
    assert 0.1 * n_files < n_read < 0.9 * n_files


def test_without_pillow(monkeypatch, tmp_path):
    (tmp_path / "digit.png").write_bytes(b"")
    picture = draw(4)
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ImportError, match=r"skdigitnet\[images\]"):
        load_image(tmp_path / "digit.png")
    assert load_image(picture).shape == (784,)  # an array needs none
