"""Images are distorted as their parameters say, each by its seed and row alone."""

import decimal
import hashlib
import pickle

import numpy as np
import pytest
from scipy import ndimage
from sklearn.utils import check_random_state

from skdigitnet.datasets import Distortions, _distortions, distort_images

OFF = {"rotation": 0, "scale": 0, "shear": 0, "shift": 0, "elastic": 0}
ALL = {"rotation": 20, "scale": 0.3, "shear": (-5, 30), "shift": 2.5, "elastic": 1.3}
MASK = 2**64 - 1


def made_up(n_rows=5, shape=(12, 12), dtype=np.float64):
    images = np.random.default_rng(0).random((n_rows, *shape))
    images = images * 255 if dtype == np.uint8 else images
    return images.astype(dtype).reshape(n_rows, -1)


def as_images(X, side=12):
    return X.reshape(-1, side, side)


# The reference: one image, one step a line


def split_mix(key, n):
    z = (key + (n + 1) * 0x9E3779B97F4A7C15) & MASK
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & MASK
    return z ^ (z >> 31)


def smooth(noise, smoothness):
    """Smoothed, and divided by the standard deviation that each place is left with."""
    for axis, n in enumerate(noise.shape):
        options = {"mode": "constant", "truncate": 2 * n / smoothness}
        of_impulses = ndimage.gaussian_filter1d(np.eye(n), smoothness, axis=0, **options)
        noise = ndimage.gaussian_filter1d(noise, smoothness, axis=axis, **options)
        norm = np.linalg.norm(of_impulses, axis=1)
        noise = noise / np.expand_dims(norm, 1 - axis)
    return noise * np.sqrt(3)


def reference(image, seed, row, *, rotation, scale, shear, shift, elastic, smoothness):
    key = int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0])
    key = split_mix(key, row)
    scale = (1 - scale, 1 + scale) if np.isscalar(scale) else scale
    ranges = [
        pair if isinstance(pair, tuple) else (-pair, pair)
        for pair in (rotation, shear, scale, scale, shift, shift)
    ]
    shares = [split_mix(key, n) / 2**64 for n in range(6)]
    angle, lean, scale_y, scale_x, down, right = (
        low + share * (high - low) for (low, high), share in zip(ranges, shares, strict=True)
    )
    # of (y, x), y downward
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    turn = np.array([[cos, -sin], [sin, cos]])
    skew = np.array([[1, 0], [-np.tan(np.radians(lean)), 1]])
    matrix = np.linalg.inv(turn @ skew @ np.diag([scale_y, scale_x]))
    centre = (np.array(image.shape) - 1) / 2
    places = np.indices(image.shape).reshape(2, -1).T
    sources = (places - centre - [down, right]) @ matrix.T + centre

    numbers = np.array([split_mix(key, 6 + n) for n in range(image.size)], dtype=np.uint64)
    for axis, bits in enumerate((numbers >> 40, numbers >> 8 & 0xFFFFFF)):
        noise = bits.reshape(image.shape) / 2**23 - 1
        sources[:, axis] += elastic * smooth(noise, smoothness).ravel()
    return ndimage.map_coordinates(image, sources.T, order=1, mode="grid-constant")


@pytest.mark.parametrize(
    ("shape", "changed"),
    [
        ((12, 12), {}),
        ((12, 12), {"rotation": (60, 180), "shear": 0}),
        ((12, 12), {"elastic": 0}),
        ((9, 16), {"smoothness": 6}),
        ((1, 7), {}),
        ((16, 5), {"smoothness": 0.5, "scale": (0.2, 3), "shift": (-4, -1)}),
    ],
)
def test_is_the_reference(shape, changed):
    settings = ALL | {"smoothness": 2} | changed
    X = made_up(shape=shape)
    distorted = distort_images(X, image_shape=shape, random_state=3, first_row=7, **settings)
    for i, row in enumerate(X):
        expected = reference(row.reshape(shape), 3, 7 + i, **settings)
        np.testing.assert_allclose(distorted[i], expected.ravel(), atol=1e-5)


# What each parameter does


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8])
@pytest.mark.parametrize("shape", [(12, 12), (7, 10)])
def test_nothing_to_do_changes_no_bit(dtype, shape):
    X = made_up(shape=shape, dtype=dtype)
    same = distort_images(X, image_shape=shape, **OFF)
    assert same.dtype == dtype
    assert same is not X
    np.testing.assert_array_equal(same, X)


@pytest.mark.parametrize("quarters", [-2, -1, 1, 2])
def test_rotation_is_counterclockwise(quarters):
    X = made_up()
    turned = distort_images(X, **OFF | {"rotation": (90 * quarters, 90 * quarters)})
    expected = np.rot90(as_images(X), quarters, axes=(1, 2))
    np.testing.assert_allclose(as_images(turned), expected, atol=1e-13)


def test_shift_is_downward_and_to_the_right():
    X = made_up()
    moved = as_images(distort_images(X, **OFF | {"shift": (2, 2)}))
    expected = np.zeros_like(moved)
    expected[:, 2:, 2:] = as_images(X)[:, :-2, :-2]
    np.testing.assert_array_equal(moved, expected)


@pytest.mark.parametrize("factor", [0.5, 0.8, 2, 3])
def test_scale_enlarges_about_the_centre(factor):
    X = made_up()
    scaled = as_images(distort_images(X, **OFF | {"scale": (factor, factor)}))
    for image, distorted in zip(as_images(X), scaled, strict=True):
        expected = ndimage.affine_transform(
            image,
            np.eye(2) / factor,
            offset=5.5 - 5.5 / factor,
            order=1,
            mode="grid-constant",
        )
        np.testing.assert_allclose(distorted, expected, atol=1e-13)


def test_shear_leans_to_the_right():
    image = np.zeros((11, 11))
    image[:, 5] = 1
    leaning = distort_images(image.reshape(1, -1), **OFF | {"shear": (45, 45)})
    np.testing.assert_allclose(leaning.reshape(11, 11), np.eye(11)[::-1], atol=1e-13)


def ramps(n_rows):
    """Images that are as bright as their columns are far to the right."""
    return np.tile(np.arange(40.0), (n_rows, 40))


def test_elastic_is_the_standard_deviation_of_the_displacements():
    distorted = distort_images(
        ramps(2000), **OFF | {"elastic": 0.5, "smoothness": 4}, random_state=0
    )
    displacements = (distorted - ramps(1)).reshape(-1, 40, 40)[:, 5:-5, 5:-5]
    np.testing.assert_allclose(displacements.std(axis=0), 0.5, atol=0.05)
    np.testing.assert_allclose(displacements.mean(axis=0), 0, atol=0.06)
    # neighbours move together, and those two sigma apart have the correlation 1/e
    corr = np.corrcoef(displacements[:, 15, 5], displacements[:, 15, 13])[0, 1]
    assert corr == pytest.approx(np.exp(-1), abs=0.08)


def test_every_value_of_a_range_is_equally_likely():
    distorted = distort_images(ramps(2000), **OFF | {"shift": (-3, 5)}, random_state=0)
    shifts = np.sort(20 - distorted.reshape(-1, 40, 40)[:, 20, 20])
    np.testing.assert_allclose(shifts, np.linspace(-3, 5, 2000), atol=0.3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8])
def test_type_and_range_are_those_of_the_image(dtype):
    X = made_up(n_rows=200, dtype=dtype) + dtype(1)  # no zeros but those outside
    distorted = distort_images(X, random_state=0)
    assert distorted.dtype == dtype
    assert distorted.min() == 0
    assert (distorted.max(axis=1) <= X.max(axis=1)).all()
    assert len(np.unique(distorted)) > 200
    # weights such as 0.1 and 0.9 are rounded, and must not add up to more than 1
    even = distort_images(np.full((200, 144), 0.7), **ALL, random_state=0)
    assert 0 <= even.min() < even.max() == 0.7
    negative = distort_images(np.full((200, 144), -0.7), **ALL, random_state=0)
    assert negative.min() == -0.7
    assert negative.max() <= 0


def test_bytes_are_rounded():
    X = made_up(dtype=np.uint8)
    exact = distort_images(X.astype(float), **ALL, random_state=0)
    np.testing.assert_array_equal(distort_images(X, **ALL, random_state=0), np.rint(exact))


@pytest.mark.parametrize(
    "X",
    [
        made_up().tolist(),
        made_up().astype(">f8"),
        np.asfortranarray(made_up()),
        np.repeat(made_up(), 2, axis=0)[::2],
    ],
    ids=["list", "big-endian", "by column", "every other row"],
)
def test_other_forms_of_the_same_rows(X):
    expected = distort_images(made_up(), random_state=0)
    np.testing.assert_array_equal(distort_images(X, random_state=0), expected)


def test_rows_given_are_not_changed():
    X = made_up()
    X.setflags(write=False)
    distort_images(X)
    np.testing.assert_array_equal(X, made_up())


@pytest.mark.parametrize(
    "settings",
    [
        {"shift": (-1e308, 1e308)},
        {"shift": 1e300, "scale": (0.01, 0.01)},
        {"elastic": 1e6},
        {"shear": (89, 89), "rotation": 180},
        {"smoothness": 5e-324, "elastic": 3},
        {"smoothness": 1e300, "elastic": 3},
    ],
)
def test_extreme_settings(settings):
    with np.errstate(all="raise"):
        distorted = distort_images(made_up(n_rows=100), **OFF | settings, random_state=0)
    assert (distorted >= 0).all()
    assert (distorted <= 1).all()


@pytest.mark.parametrize(
    ("shape", "pixels"),
    [
        ((28, 28), {"shift": 1, "elastic": 1, "smoothness": 4}),
        ((14, 20), {"shift": 0.5, "elastic": 0.5, "smoothness": 2}),
    ],
)
def test_defaults_are_shares_of_the_shorter_side(shape, pixels):
    X = made_up(shape=shape)
    by_default = distort_images(X, image_shape=shape, random_state=0)
    given = distort_images(X, image_shape=shape, random_state=0, **pixels)
    np.testing.assert_array_equal(by_default, given)


# Seeds


@pytest.mark.parametrize("seed", [0, (0, 3), np.random.SeedSequence(5)])
def test_a_seed_gives_the_same_bits_again(seed):
    X = made_up(n_rows=50)
    first = distort_images(X, random_state=seed)
    np.testing.assert_array_equal(distort_images(X, random_state=seed), first)
    assert not np.isclose(first[0], first[1:]).all(axis=1).any()


def test_other_seeds_and_rows_distort_differently():
    X = np.repeat(made_up(n_rows=1), 3, axis=0)
    of_numpy = np.random.SeedSequence(0).spawn(9)[8]
    seeds = [0, 1, (0, 0), (0, 0, 1), (0, 1), (1, 0), 2**64, None, None, of_numpy]
    rows = np.concatenate([distort_images(X, random_state=seed) for seed in seeds])
    assert len(np.unique(rows, axis=0)) == len(rows)


@pytest.mark.parametrize("kind", [np.random.default_rng, check_random_state])
def test_one_seed_is_drawn_of_a_generator(kind):
    X, rng = made_up(), kind(0)
    first, second = (distort_images(X, random_state=rng) for _ in range(2))
    assert not np.array_equal(first, second)
    rng = kind(0)
    np.testing.assert_array_equal(
        distort_images(made_up(n_rows=9), random_state=rng)[:5], first
    )
    np.testing.assert_array_equal(distort_images(X, random_state=rng), second)


@pytest.mark.parametrize("size", [1, 3, 7, 20])
def test_any_division_into_batches_gives_the_same_bits(size):
    X = made_up(n_rows=20)
    whole = distort_images(X, random_state=1, first_row=100)
    for start in range(0, 20, size):
        batch = X[start : start + size]
        distorted = distort_images(batch, random_state=1, first_row=100 + start)
        np.testing.assert_array_equal(distorted, whole[start : start + size])


def test_threads_give_the_same_bits(monkeypatch):
    X = made_up(n_rows=100)
    alone = distort_images(X, random_state=1)
    monkeypatch.setattr(_distortions, "CHUNK_PIXELS", 3 * X.shape[1])
    monkeypatch.setattr(_distortions, "n_threads", lambda n_jobs, useful: n_jobs)
    for n_jobs in (1, 2, 5):
        several = distort_images(X, random_state=1, n_jobs=n_jobs)
        np.testing.assert_array_equal(several, alone)


def test_every_processor_and_version_gives_the_same_bits():
    X = (np.arange(20 * 144).reshape(20, 144) * 37 % 256).astype(np.float32)
    _distortions._gaussian.cache_clear()
    with decimal.localcontext(prec=3):
        distorted = distort_images(X, **ALL, smoothness=2, random_state=(0, 1)).astype("<f4")
    digest = hashlib.sha256(distorted.tobytes()).hexdigest()
    assert digest[:16] == "1956f2f43e76ce73"


def test_no_rows():
    assert distort_images(np.empty((0, 144))).shape == (0, 144)


# The object


def test_object_is_the_function():
    X, distortions = made_up(shape=(9, 16)), Distortions(image_shape=(9, 16), **ALL)
    expected = distort_images(
        X, image_shape=(9, 16), **ALL, random_state=np.random.default_rng(0)
    )
    np.testing.assert_array_equal(distortions(X, np.random.default_rng(0)), expected)
    np.testing.assert_array_equal(Distortions()(X, 0), distort_images(X, random_state=0))


def test_object_leaves_rows_to_predict_as_they_are():
    X = made_up()
    np.testing.assert_array_equal(Distortions()(X, None), X)


def test_object_can_be_pickled_and_compared():
    distortions = Distortions(rotation=(5, 7))
    again = pickle.loads(pickle.dumps(distortions))
    assert again == distortions == Distortions(rotation=(5, 7)) != Distortions(rotation=5)
    assert len({distortions, again}) == 1
    with pytest.raises(AttributeError):
        distortions.rotation = 3


# What cannot be used


@pytest.mark.parametrize("call", [lambda **bad: distort_images(made_up(), **bad), Distortions])
@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"rotation": None}, "rotation must be a finite number, 0 or larger, or a tuple"),
        ({"rotation": "5"}, "rotation must be a finite number, 0 or larger, or a tuple"),
        ({"rotation": -5}, "rotation must be a finite number, 0 or larger, or a tuple"),
        ({"rotation": 181}, r"rotation must be a range within -180 and 180.*\(-181, 181\)"),
        ({"rotation": (5, 4)}, "low before high; got"),
        ({"shear": (1, 2, 3)}, r"shear must be .* got \(1, 2, 3\)"),
        ({"shear": (0, 90)}, "shear must be a range within -89 and 89"),
        ({"shift": float("nan")}, "shift must be a finite number"),
        ({"shift": (0, float("inf"))}, "shift must be a finite number"),
        ({"scale": 1}, r"scale must be a range within 0.01 and 100.*\(0, 2\)"),
        ({"scale": True}, "scale must be a finite number"),
        ({"elastic": -1}, "elastic must be a number, from 0 to 1000000; got -1"),
        ({"elastic": (1, 2)}, "elastic must be a number"),
        ({"elastic": 2e6}, "elastic must be a number, from 0 to 1000000"),
        ({"smoothness": 0}, "smoothness must be a number, larger than 0 and finite; got 0"),
        ({"smoothness": 10**400}, "smoothness must be a number, larger than 0 and finite"),
        ({"image_shape": 12}, "image_shape must be a tuple of two positive ints"),
        ({"image_shape": (12.0, 12)}, "image_shape must be a tuple of two positive ints"),
        ({"image_shape": (0, 12)}, "image_shape must be a tuple of two positive ints"),
    ],
)
def test_bad_parameters(call, bad, message):
    with pytest.raises(ValueError, match=message):
        call(**bad)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"random_state": -1}, "random_state must be None, an int, 0 or larger"),
        ({"random_state": "seed"}, "random_state must be .* got 'seed'"),
        ({"random_state": ()}, r"random_state must be .* got \(\)"),
        ({"random_state": (1, 2.0)}, r"random_state must be .* got \(1, 2.0\)"),
        ({"first_row": -1}, "first_row must be an int, 0 or larger"),
        ({"first_row": 2**63}, "first_row must be an int, 0 or larger"),
        ({"image_shape": (9, 9)}, r"X has 144 features, not 9 x 9. Give image_shape="),
    ],
)
def test_bad_arguments(bad, message):
    with pytest.raises(ValueError, match=message):
        distort_images(made_up(), **bad)


def test_an_error_leaves_the_generator_as_it_was():
    rng = np.random.default_rng(0)
    before = rng.bit_generator.state
    with pytest.raises(ValueError, match="NaN"):
        distort_images(np.full((3, 144), np.nan), random_state=rng)
    assert rng.bit_generator.state == before


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.ones((3, 10)), "X has 10 features, no square image. Give image_shape="),
        (np.ones((3, 12, 12)), "Found array with dim 3"),
        (np.ones(144), "Expected 2D array"),
        (np.full((3, 144), np.nan), "Input X contains NaN"),
        (np.full((3, 144), np.inf, dtype=np.float32), "Input X contains infinity"),
        (np.full((3, 144), "a"), "could not convert"),
    ],
)
def test_bad_rows(X, message):
    with pytest.raises(ValueError, match=message):
        distort_images(X)
