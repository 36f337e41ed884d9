"""Tables that are read block by block: what they may be, and what is made of a block."""

import numpy as np
import pytest

from skdigitnet import BackpropMLPClassifier
from skdigitnet.datasets import RowBlocks

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (95, 6), dtype=np.uint8)
X = PIXELS / 255
y = PIXELS[:, 0] // 64


def gathered(blocks):
    return np.concatenate([blocks.read(block) for block in range(blocks.n_blocks)])


# Sources


def test_memory_map_list_of_arrays_and_of_paths(tmp_path):
    np.save(tmp_path / "a.npy", X[:33])
    np.save(tmp_path / "b.npy", X[33:34])
    np.save(tmp_path / "c.npy", X[34:])
    paths = [tmp_path / name for name in ("a.npy", "b.npy", "c.npy")]
    mapped = np.load(paths[0], mmap_mode="r")
    for source in (paths, [str(path) for path in paths], [mapped, X[33:60], X[60:]], X):
        for block_rows in (1, 10, 33, 200):
            blocks = RowBlocks(source, block_rows=block_rows)
            assert blocks.shape == X.shape
            assert len(blocks) == len(X)
            np.testing.assert_array_equal(gathered(blocks), X)


def test_dask_data_frame():
    frames = pytest.importorskip("dask.dataframe")
    pd = pytest.importorskip("pandas")
    frame = frames.from_pandas(pd.DataFrame(X), npartitions=4)
    np.testing.assert_array_equal(gathered(RowBlocks(frame, block_rows=20)), X)


class Chunked:
    """As an array of Zarr or h5py: in chunks, here with one for each ten rows."""

    def __init__(self, chunks):
        self.shape, self.dtype, self.chunks = (100_000, 500), np.dtype(np.float32), chunks

    def __getitem__(self, rows):
        raise AssertionError("nothing is read yet")


@pytest.mark.parametrize(
    ("chunks", "block_rows", "window_blocks"),
    [
        (None, 2**22 // 2000, 16),
        ((10, 500), 2100, 15),
        (((3000,) * 33 + (1000,), (500,)), 3000, 11),
        ((60_000, 500), 60_000, 1),
    ],
)
def test_auto_is_whole_chunks_of_about_four_mebibytes(chunks, block_rows, window_blocks):
    blocks = RowBlocks(Chunked(chunks))
    assert (blocks.block_rows, blocks.window_blocks) == (block_rows, window_blocks)


# What is made of a block


@pytest.mark.parametrize(
    ("dtype", "trained"),
    [("uint8", "float32"), ("int16", "float32"), ("bool", "float32"), ("float16", "float32"),
     (">f4", "float32"), ("int32", "float64"), (">f8", "float64")],
)  # fmt: skip
def test_precision(dtype, trained):
    blocks = RowBlocks(PIXELS.astype(dtype), block_rows=10)
    assert blocks.dtype == trained
    assert gathered(blocks).dtype.str == np.dtype(trained).str
    np.testing.assert_array_equal(gathered(blocks), PIXELS.astype(dtype).astype(trained))


def test_scaled_bytes_are_trained_as_their_product():
    clf = BackpropMLPClassifier((5,), max_iter=20, n_iter_no_change=np.inf, random_state=0)
    scaled = PIXELS.astype(np.float32) * np.float32(1 / 255)
    expected = clf.fit(scaled, y).coefs_[0]
    blocks = RowBlocks(PIXELS, scale=1 / 255)
    np.testing.assert_array_equal(clf.fit(blocks, y).coefs_[0], expected)
    assert clf.score(blocks, y) == clf.score(scaled, y)


def test_transform_may_change_features_and_precision():
    def squares_too(X_block, rng):
        return np.hstack([X_block, X_block**2]).astype(np.float64)

    blocks = RowBlocks(PIXELS, scale=0.5, transform=squares_too, block_rows=10)
    assert blocks.shape == (95, 12)
    assert blocks.dtype == np.float64
    halves = PIXELS / 2
    np.testing.assert_array_equal(gathered(blocks), np.hstack([halves, halves**2]))
    clf = BackpropMLPClassifier((5,), random_state=0).fit(blocks, y)
    assert clf.n_features_in_ == 12


@pytest.mark.parametrize(
    "method", ["predict", "predict_proba", "predict_log_proba", "decision_function"]
)
def test_predictions_are_those_of_the_array(method):
    clf = BackpropMLPClassifier((5,), max_iter=20, n_iter_no_change=np.inf, random_state=0)
    predict = getattr(clf.fit(X, y), method)
    np.testing.assert_array_equal(predict(RowBlocks(X, block_rows=10)), predict(X))


# Errors


WRONG = {
    "a number": ((3,), {}, TypeError, "X is a int without shape, dtype"),
    "one dimension": ((X[0],), {}, ValueError, r"X has the shape \(6,\)"),
    "no rows": ((X[:0],), {}, ValueError, r"X has the shape \(0, 6\)"),
    "nothing": (([],), {}, ValueError, "X is an empty list"),
    "other widths": (([X, X[:, 1:]],), {}, ValueError, r"X has parts of \[5, 6\] features"),
    "complex": ((X * 1j,), {}, ValueError, "X is of complex128; its numbers must be real"),
    "block_rows": ((X,), {"block_rows": 0}, ValueError, "block_rows=0 must be a positive"),
    "window_blocks": ((X,), {"window_blocks": True}, ValueError, "window_blocks=True must be"),
    "scale": ((X,), {"scale": np.nan}, ValueError, "scale=nan must be a finite number"),
    "transform": ((X,), {"transform": "log"}, TypeError, "transform='log' must be a function"),
}


@pytest.mark.parametrize(
    ("arguments", "settings", "kind", "message"), WRONG.values(), ids=WRONG
)
def test_wrong_arguments(arguments, settings, kind, message):
    with pytest.raises(kind, match=message):
        RowBlocks(*arguments, **settings)


def test_wrong_results_of_transform():
    with pytest.raises(ValueError, match=r"transform returned an array of shape \(6,\)"):
        RowBlocks(X, transform=lambda X_block, rng: X_block[0])
    with pytest.raises(ValueError, match="of int64; it must be"):
        RowBlocks(X, transform=lambda X_block, rng: X_block.astype(int))
    blocks = RowBlocks(X, block_rows=10, transform=lambda X_block, rng: X_block[:5])
    with pytest.raises(ValueError, match="block 3: 5 rows of 6 features, not 10 rows of 6"):
        blocks.read(3)


def test_it_is_never_made_one_array():
    with pytest.raises(TypeError, match="pass them to BackpropMLPClassifier itself"):
        np.asarray(RowBlocks(X))


def test_it_says_what_it_is():
    assert repr(RowBlocks(PIXELS, block_rows=10, window_blocks=3)) == (
        "<RowBlocks of 95 rows of 6 features, float32, in 10 blocks of 10 rows, 3 to a window>"
    )
