"""Which scores SearchDisplay shows, how its axes are labelled, and what it marks best."""

import warnings
from io import StringIO
from itertools import product

import numpy as np
import pandas as pd
import pytest
from pictures import (  # noqa: F401, a fixture
    assert_readable,
    assert_slanted_apart,
    no_window,
    plt,
    tick_labels,
)
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdigitnet import BackpropMLPClassifier
from skdigitnet.plotting import SearchDisplay
from skdigitnet.plotting._scales import spaced_geometrically

X, Y = load_digits(return_X_y=True)
X, Y = X[:200] / 16, Y[:200]
PREFIX = "backpropmlpclassifier__"


def results(grid, score=None, n_splits=3, metric="score"):
    """What a grid search would give; score is a function of a candidate, or noise."""
    random = np.random.RandomState(0)
    params = [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]
    level = np.array([score(**each) if score else random.uniform() for each in params])
    folds = level[:, None] + random.uniform(-0.02, 0.02, size=(len(params), n_splits))
    return (
        {"params": params}
        | {f"split{i}_test_{metric}": folds[:, i] for i in range(n_splits)}
        | {f"mean_test_{metric}": folds.mean(axis=1)}
    )


def search_over(grid, **parameters):
    network = BackpropMLPClassifier(
        (5,), tol=0.1, batch_size=200, weight_init="sklearn", random_state=0
    )
    grid = {PREFIX + name: values for name, values in grid.items()}
    search = GridSearchCV(make_pipeline(StandardScaler(), network), grid, cv=2, **parameters)
    return search.fit(X, Y)


def column_texts(display):
    display.figure_.canvas.draw()
    return [text.get_text() for text in tick_labels(display.ax_.xaxis)]


def row_texts(display):
    display.figure_.canvas.draw()
    return [text.get_text() for text in tick_labels(display.ax_.yaxis)]


def framed(display):
    """Column and row of the frame."""
    corner = np.add(display.best_.get_xy(), 0.5)
    assert (display.best_.get_width(), display.best_.get_height()) == (1, 1)
    return tuple(corner)


# A heat map


def test_heat_map_of_a_search():
    search = search_over({"alpha": [10.0, 0.1, 1], "batch_size": [20, 50]})
    display = SearchDisplay.from_search(search)
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("alpha", "batch_size")
    assert column_texts(display) == ["0.1", "1", "10"]
    assert row_texts(display) == ["20", "50"]
    shown = display.image_.get_array()
    for params, mean in zip(
        search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True
    ):
        column = [0.1, 1, 10].index(params[PREFIX + "alpha"])
        row = [20, 50].index(params[PREFIX + "batch_size"])
        assert shown[row, column] == pytest.approx(mean)
    best = search.best_params_
    assert framed(display) == (
        [0.1, 1, 10].index(best[PREFIX + "alpha"]),
        [20, 50].index(best[PREFIX + "batch_size"]),
    )
    assert_readable(display.figure_)


def test_cells_say_mean_and_deviation():
    cv_results = {
        "params": [{"a": 1, "b": 1}, {"a": 2, "b": 1}],
        "split0_test_score": np.array([0.5, 0.71]),
        "split1_test_score": np.array([0.6, 0.75]),
        "mean_test_score": np.array([0.55, 0.73]),
    }
    display = SearchDisplay.from_results(cv_results, parameters=["a", "b"])
    texts = {place: text.get_text() for place, text in display.texts_.items()}
    assert texts == {(0, 0): "0.550\n±0.050", (1, 0): "0.730\n±0.020"}
    assert [text.get_weight() for text in display.texts_.values()] == ["normal", "bold"]
    assert framed(display) == (1, 0)


@pytest.mark.parametrize("own_figure", [True, False])
@pytest.mark.parametrize("n_columns", [2, 8])
def test_cell_texts_stand_in_their_cells(n_columns, own_figure):
    """Also where long names take most of the width."""
    grid = {"a": list(range(n_columns)), "b": ["the longest of names, truly", "a short one"]}
    ax = None if own_figure else plt.subplots(1, 2, figsize=(11, 3), layout="constrained")[1][0]
    display = SearchDisplay.from_results(results(grid), parameters=["a", "b"], ax=ax)
    display.figure_.canvas.draw()
    inverse = display.ax_.transData.inverted()
    assert len(display.texts_) == 2 * n_columns
    for place, text in display.texts_.items():
        box = text.get_window_extent().transformed(inverse)
        assert np.abs(np.array(box.get_points()) - place).max() < 0.5


def test_axis_with_more_values_is_the_horizontal_one():
    display = SearchDisplay.from_results(results({"few": [1, 2], "many": [1, 2, 3]}))
    assert display.parameters == ["many", "few"]


def test_given_parameters_in_their_order():
    cv_results = results({"few": [1, 2], "many": [1, 2, 3]})
    display = SearchDisplay.from_results(cv_results, parameters=("few", "many"))
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("few", "many")


def test_first_of_equals_is_best():
    display = SearchDisplay.from_results(
        {
            "params": [{"a": 2}, {"a": 1}],
            "split0_test_score": [0.5, 0.5],
            "mean_test_score": [0.5, 0.5],
        }
    )
    assert display.values == [[1, 2]]
    assert display.best == (1,)


def test_missing_and_failed_candidates_are_dashes():
    cv_results = results({"a": [1, 2], "b": [1, 2, 3]})
    cv_results["split0_test_score"][0] = np.nan
    cv_results = {key: values[:-1] for key, values in cv_results.items()}
    display = SearchDisplay.from_results(cv_results, parameters=["a", "b"])
    dashes = [place for place, text in display.texts_.items() if text.get_text() == "–"]
    assert dashes == [(0, 0), (1, 2)]


def test_parameter_that_only_some_candidates_set():
    cv_results = {
        "params": [{"solver": "sgd", "momentum": 0.1}, {"solver": "lbfgs"}],
        "split0_test_score": [0.5, 0.6],
        "mean_test_score": [0.5, 0.6],
    }
    display = SearchDisplay.from_results(cv_results, parameters=["solver", "momentum"])
    assert row_texts(display) == ["0.1", "default"]
    assert framed(display) == (1, 1)


def test_vmin_is_announced():
    cv_results = results({"a": [1, 2], "b": [1, 2, 3]}, lambda a, b: a + b)
    display = SearchDisplay.from_results(cv_results, vmin=3)
    assert display.image_.get_clim()[0] == 3
    assert display.image_.colorbar.extend == "min"


# A curve


@pytest.mark.filterwarnings("ignore:.*no better than a constant")  # large penalties
def test_curve_of_a_search():
    search = search_over({"alpha": [0.1, 1, 10, 100]})
    display = SearchDisplay.from_search(search)
    mean = search.cv_results_["mean_test_score"]
    deviation = search.cv_results_["std_test_score"]
    np.testing.assert_allclose(display.line_.get_ydata(), mean)
    assert display.line_.get_xdata().tolist() == [0.1, 1, 10, 100]
    assert display.ax_.get_xscale() == "log"
    assert column_texts(display) == ["0.1", "1", "10", "100"]
    for i, fold in enumerate(display.folds_):
        expected = search.cv_results_[f"split{i}_test_score"]
        np.testing.assert_array_equal(fold.get_ydata(), expected)
    (band,) = display.ax_.collections
    heights = band.get_paths()[0].vertices[:, 1]
    assert heights.min() == pytest.approx((mean - deviation).min())
    assert heights.max() == pytest.approx((mean + deviation).max())
    best = search.best_params_[PREFIX + "alpha"]
    assert display.best_.get_xdata() == [best]
    assert display.best_.get_ydata() == [mean.max()]
    legend = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert legend == ["mean", "± 1 standard deviation", "each fold", f"best: {best:g}"]
    assert_readable(display.figure_)


def test_labels_that_would_touch_give_way():
    alphas = np.geomspace(1e-4, 10, 26)
    display = SearchDisplay.from_results(results({"alpha": alphas}))
    assert 2 < len(column_texts(display)) < 10
    assert_readable(display.figure_)


def test_curve_over_names_has_a_place_for_each():
    sizes = [(50,), (100, 100, 100, 100), (np.int64(5),)]
    display = SearchDisplay.from_results(results({"hidden_layer_sizes": sizes}))
    assert column_texts(display) == ["(50,)", "(100, 100, 100, 100)", "(5,)"]
    assert display.line_.get_xdata().tolist() == [0, 1, 2]
    assert display.line_.get_linestyle() == "None"
    assert display.ax_.get_xscale() == "linear"
    assert_readable(display.figure_)


@pytest.mark.parametrize(
    ("values", "geometric"),
    [
        (np.logspace(-5, 3, 9), True),
        ([1, 3, 10, 30, 100], True),
        ([16, 32, 64], True),
        ([0.01, 1, 5, 10], False),
        ([1, 2, 3], False),
        ([0, 1, 10, 100], False),
        ([-10, -1], False),
        ([1, 1000], False),
        ([5], False),
    ],
)
def test_geometric_spacing(values, geometric):
    assert spaced_geometrically(np.array(values, dtype=float)) == geometric


def test_true_and_false_are_names():
    display = SearchDisplay.from_results(results({"shuffle": [True, False]}))
    assert column_texts(display) == ["True", "False"]


# More than two parameters


GRID = {
    "net__activation": ["relu", "tanh"],
    "net__alpha": [0.1, 1, 10],
    "net__batch_size": [10, 20],
    "net__momentum": [0.9],
}


def score(net__activation, net__alpha, net__batch_size, net__momentum):
    return 0.2 * (net__activation == "tanh") + 0.1 * (net__alpha == 1) + net__batch_size / 100


def test_others_are_held_at_the_best_candidate():
    display = SearchDisplay.from_results(results(GRID, score), parameters=["alpha"])
    assert display.fixed == {"net__activation": "tanh", "net__batch_size": 20}
    assert display.ax_.get_title() == "with activation = tanh, batch_size = 20"
    cv_results = results(GRID, score)
    shown = [
        np.flatnonzero(
            [
                each == {"net__alpha": alpha, "net__momentum": 0.9} | display.fixed
                for each in cv_results["params"]
            ]
        )[0]
        for alpha in (0.1, 1, 10)
    ]
    np.testing.assert_allclose(display.line_.get_ydata(), cv_results["mean_test_score"][shown])


def test_others_are_held_where_fixed():
    display = SearchDisplay.from_results(
        results(GRID, score), parameters="alpha", fixed={"activation": "relu"}
    )
    assert display.fixed == {"net__activation": "relu", "net__batch_size": 20}


def test_fixed_leaves_two_to_show():
    display = SearchDisplay.from_results(results(GRID, score), fixed={"batch_size": 10})
    assert display.parameters == ["net__alpha", "net__activation"]
    assert display.ax_.get_title() == "with batch_size = 10"


def test_names_that_differ_in_their_steps_alone_stay_whole():
    grid = {"pca__alpha": [1, 2], "net__alpha": [1, 2]}
    display = SearchDisplay.from_results(results(grid))
    names = (display.ax_.get_xlabel(), display.ax_.get_ylabel())
    assert names == ("pca__alpha", "net__alpha")


def test_long_title_has_several_lines():
    grid = {f"a_rather_long_name_{i}": ["one of the values", "another"] for i in range(6)}
    display = SearchDisplay.from_results(results(grid), parameters="a_rather_long_name_0")
    assert display.ax_.get_title().count("\n") > 1
    assert_readable(display.figure_)


# Several metrics


def test_metric_is_that_of_the_refit():
    search = search_over(
        {"alpha": [0.1, 1]}, scoring=["accuracy", "neg_log_loss"], refit="neg_log_loss"
    )
    display = SearchDisplay.from_search(search)
    assert display.ax_.get_ylabel() == "Mean neg_log_loss of 2 folds"
    np.testing.assert_allclose(
        display.line_.get_ydata(), search.cv_results_["mean_test_neg_log_loss"]
    )
    display = SearchDisplay.from_search(search, metric="accuracy")
    assert display.ax_.get_ylabel() == "Mean accuracy of 2 folds"


def test_metric_whose_name_ends_like_anothers():
    cv_results = results({"a": [1, 2]}, metric="b") | results({"a": [1, 2]}, metric="a_test_b")
    assert SearchDisplay.from_results(cv_results, metric="b").scores.shape == (2, 3)


def test_data_frame():
    cv_results = results({"a": [1, 2], "b": [1, 2, 3]})
    from_frame = SearchDisplay.from_results(pd.DataFrame(cv_results))
    np.testing.assert_array_equal(
        from_frame.scores, SearchDisplay.from_results(cv_results).scores
    )


# Saved results


UNEVEN = [
    {"solver": ["sgd"], "momentum": [0.5, 0.9], "hidden_layer_sizes": [(5,), (5, 3)]},
    {"solver": ["lbfgs"], "hidden_layer_sizes": [(5,), (5, 3)], "class_weight": [None]},
]


def table_of(cv_results, **options):
    """As it is when it has been in a file."""
    text = pd.DataFrame(cv_results).to_csv(index=False)
    return pd.read_csv(StringIO(text), **options)


@pytest.fixture(scope="module")
def uneven():
    """Results of candidates that set different parameters."""
    network = BackpropMLPClassifier(max_iter=20, tol=0.1, random_state=0)
    search = GridSearchCV(network, UNEVEN, cv=2, refit=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return search.fit(X, Y).cv_results_


def without_params(cv_results):
    return {key: values for key, values in cv_results.items() if key != "params"}


FORMS = {
    "read_csv": table_of,
    "sorted": lambda cv_results: table_of(cv_results).sort_values("rank_test_score"),
    "masked arrays": without_params,
    "DataFrame": lambda cv_results: pd.DataFrame(without_params(cv_results)),
    "columns": lambda cv_results: table_of(without_params(cv_results)),
    "text": lambda cv_results: table_of(without_params(cv_results), dtype=str),
    "empty text": lambda cv_results: table_of(
        without_params(cv_results), keep_default_na=False
    ),
    "nullable": lambda cv_results: table_of(
        without_params(cv_results), dtype_backend="numpy_nullable"
    ),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_saved_results_are_those_of_the_search(uneven, form):
    arguments = {"parameters": ["hidden_layer_sizes", "momentum"]}
    for fixed in ({"solver": "sgd"}, {"solver": "lbfgs"}, {"momentum": 0.9}):
        direct = SearchDisplay.from_results(uneven, **arguments, fixed=fixed)
        saved = SearchDisplay.from_results(form(uneven), **arguments, fixed=fixed)
        assert sorted(saved.values[0]) == direct.values[0] == [(5,), (5, 3)]
        assert saved.values[1] == direct.values[1]
        order = [saved.values[0].index(value) for value in direct.values[0]]
        np.testing.assert_allclose(np.asarray(saved.scores)[order], direct.scores)
        assert column_texts(saved) == [column_texts(direct)[i] for i in np.argsort(order)]
        assert saved.ax_.get_title() == direct.ax_.get_title()


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_saved_numbers_are_numbers(form):
    grid = {"alpha": [10.0, 0.1, 1.0], "batch_size": [20, 50], "early_stopping": [False]}
    search = search_over(grid, refit=False)
    display = SearchDisplay.from_results(form(search.cv_results_), parameters="alpha")
    assert display.values == [[0.1, 1, 10]]
    assert display.ax_.get_xscale() == "log"
    assert display.ax_.get_title() in ("with batch_size = 20", "with batch_size = 50")


def test_saved_none_is_not_what_is_not_set():
    """The fields of both are empty, but params has the None."""
    grid = {"class_weight": [None, "balanced"], "shuffle": [True, False]}
    saved = SearchDisplay.from_results(table_of(search_over(grid, refit=False).cv_results_))
    assert [None, "balanced"] in saved.values
    assert [True, False] in saved.values


def test_params_whose_text_is_no_python_are_read_from_their_columns():
    grid = {"alpha": np.geomspace(0.1, 10, 3), "class_weight": ["balanced"]}
    table = table_of(search_over(grid, refit=False).cv_results_)
    table["params"] = [f"Candidate({i})" for i in range(3)]  # as np.float64(0.1) in a dict
    assert SearchDisplay.from_results(table).values == [pytest.approx([0.1, 1, 10])]


def test_failed_folds_of_saved_results_are_dashes():
    cv_results = results({"a": [1, 2], "b": [1, 2, 3]})
    cv_results["split0_test_score"][0] = np.nan
    for name in "ab":
        cv_results[f"param_{name}"] = [each[name] for each in cv_results["params"]]
    for options in ({}, {"dtype": str}, {"keep_default_na": False}):
        table = table_of(cv_results, **options)
        display = SearchDisplay.from_results(table, parameters=["a", "b"])
        dashes = [place for place, text in display.texts_.items() if text.get_text() == "–"]
        assert dashes == [(0, 0)]


@pytest.mark.parametrize(
    ("left_out", "message"),
    [
        ("param", "has no params as dicts, nor a column param_ of any .*; it has .*mean_test"),
        ("split", "has no split0_test_score and so on, the scores of folds; it has params"),
        ("mean_test", "has no mean_test_score, nor mean_test_ with another metric; it has"),
    ],
)
def test_what_saved_results_lack_is_named(left_out, message):
    cv_results = results({"a": [1, 2]}) | {"param_a": [1, 2]}
    kept = {k: v for k, v in cv_results.items() if not k.startswith(left_out)}
    for table in (kept, pd.DataFrame(kept)):
        with pytest.raises(ValueError, match=message):
            SearchDisplay.from_results(table)
    only_text = results({"a": [1, 2]}) | {"params": ["Candidate(1)", "Candidate(2)"]}
    with pytest.raises(ValueError, match="has no params as dicts"):
        SearchDisplay.from_results(only_text)


def test_scores_that_are_not_numbers_are_named():
    cv_results = results({"a": [1, 2]}) | {"split1_test_score": ["0.5", "good"]}
    with pytest.raises(ValueError, match=r"split1_test_score in cv_results must .*'good'\."):
        SearchDisplay.from_results(cv_results)


# Where


@pytest.mark.parametrize(
    ("n_columns", "n_rows"), [(1, 2), (2, 6), (5, 6), (15, 2), (40, 2), (2, 40), (40, 40)]
)
@pytest.mark.parametrize("long", [False, True])
def test_readable(n_columns, n_rows, long):
    name = (lambda i: f"({i}, {i + 1}, {i + 2}), the same again") if long else str
    grid = {
        "columns": [name(i) for i in range(n_columns)],
        "rows": [name(i) for i in range(n_rows)],
    }
    display = SearchDisplay.from_results(results(grid), parameters=["columns", "rows"])
    assert_readable(display.figure_)
    labels = tick_labels(display.ax_.xaxis)
    if len(labels) > 1 and labels[0].get_rotation():
        assert_slanted_apart(labels)


def test_readable_in_given_axes():
    figure, axes = plt.subplots(2, 2, figsize=(11, 8), layout="constrained")
    grid = {"alpha": np.geomspace(1e-4, 10, 20), "batch_size": [10, 20, 50]}
    for ax, parameters in zip(
        axes.flat, (None, "alpha", "batch_size", ["batch_size", "alpha"]), strict=True
    ):
        display = SearchDisplay.from_results(results(grid), parameters=parameters, ax=ax)
        assert (display.ax_, display.figure_) == (ax, figure)
    assert_readable(figure)


# Errors


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "those to show are net__alpha, net__activation, net__batch_size"),
        ({"parameters": ["alpha", "alpha"]}, "those to show are net__alpha, net__alpha"),
        ({"parameters": ["alpha", "gamma"]}, "'gamma' is the name of 0 parameters of the"),
        ({"fixed": {"alpha": 3}}, r"No candidate has net__alpha = 3; .* are 0.1, 1, 10"),
        ({"fixed": {"gamma": 3}}, "'gamma' is the name of 0 parameters of the search"),
        (
            {"fixed": {"alpha": 1, "activation": "relu", "batch_size": 10}},
            "those to show are none",
        ),
        ({"metric": "accuracy"}, "metric must be one of .*, score; it is 'accuracy'"),
    ],
)
def test_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        SearchDisplay.from_results(results(GRID), **arguments)


@pytest.mark.filterwarnings("ignore:.*no better than a constant")  # large penalties
def test_errors_of_searches():
    with pytest.raises(NotFittedError):
        SearchDisplay.from_search(GridSearchCV(BackpropMLPClassifier(), {}))
    network = BackpropMLPClassifier(
        (5,), tol=0.1, batch_size=200, weight_init="sklearn", random_state=0
    )
    halving = HalvingGridSearchCV(network, {"alpha": [0.1, 1, 10]}, cv=2, random_state=0)
    with pytest.raises(ValueError, match="occurs twice, as in a halving search"):
        SearchDisplay.from_search(halving.fit(X, Y))
    failed = results({"a": [1, 2]}, lambda a: np.nan)
    with pytest.raises(ValueError, match="Every score is NaN"):
        SearchDisplay.from_results(failed)
    two = results({"a": [1, 2]}) | results({"a": [1, 2]}, metric="accuracy")
    with pytest.raises(ValueError, match="in cv_results, score, accuracy; it is None"):
        SearchDisplay.from_results(two)
