"""The gallery's examples run, and what they say is so."""

import runpy
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace

import joblib
import numpy as np
import pytest
from effort import EXHAUSTIVE
from paths import ROOT
from scipy import stats
from sklearn.base import clone
from threadpoolctl import threadpool_limits

matplotlib = pytest.importorskip(
    "matplotlib", reason='matplotlib is not installed: pip install "skdigitnet[plot]"'
)
import matplotlib.pyplot as plt  # noqa: E402, after the check that it is there

at_night = pytest.mark.skipif(not EXHAUSTIVE, reason="it takes long; SKDIGITNET_EXHAUSTIVE=1")
EXAMPLES = ROOT / "examples"


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Run an example on scikit-learn's digits; its variables come back, and ``n_figures``."""
    monkeypatch.delenv("SKDIGITNET_MNIST", raising=False)
    yield from _runner(monkeypatch, tmp_path)


@pytest.fixture
def run_on_mnist(mnist, monkeypatch, tmp_path):
    yield from _runner(monkeypatch, tmp_path)


def _runner(monkeypatch, tmp_path):
    n_figures = 0

    def show():
        nonlocal n_figures
        for number in plt.get_fignums():
            check_nothing_is_cut_off(plt.figure(number))
            n_figures += 1
        plt.close("all")

    def run(name):
        with threadpool_limits(1), joblib.parallel_config(backend="threading"):
            variables = runpy.run_path(str(EXAMPLES / f"plot_{name}.py"), run_name="__main__")
        show()
        return SimpleNamespace(**variables, n_figures=n_figures)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(plt, "show", show)
    plt.switch_backend("Agg")
    yield run
    plt.close("all")


def check_nothing_is_cut_off(figure):
    figure.canvas.draw()
    drawn = figure.get_tightbbox()  # in inches
    width, height = figure.get_size_inches()
    margins = [drawn.x0, drawn.y0, width - drawn.x1, height - drawn.y1]
    assert min(margins) > -0.03, f"{figure._suptitle}, {figure.axes}: {margins}"


def test_every_example_is_tested():
    names = {path.stem.removeprefix("plot_") for path in EXAMPLES.glob("plot_*.py")}
    tested = Path(__file__).read_text()
    assert names
    assert [name for name in sorted(names) if f'("{name}")' not in tested] == []


def test_digits_quickstart(run):
    example = run("digits_quickstart")
    assert example.accuracy > 0.95
    assert Path(example.picture).stat().st_size > 10_000


def test_first_look(run):
    example = run("1_first_look")
    assert example.n_figures == 4
    assert example.accuracy > 0.95
    assert example.guessing < 0.15
    unit_scores, unit_seconds = np.transpose(example.unit_results)
    image_scores, image_seconds = np.transpose(example.image_results)
    assert unit_scores[-1] > unit_scores[0] + 0.03
    assert image_scores[-1] > image_scores[0] + 0.03
    assert min(*unit_seconds, *image_seconds) > 0


def test_first_look_has_a_slider_in_a_notebook(run, monkeypatch):
    sliders = []
    ipywidgets = ModuleType("ipywidgets")
    ipywidgets.__spec__ = ModuleSpec("ipywidgets", loader=None)
    ipywidgets.interact = lambda show, **to: sliders.append((show, to))
    monkeypatch.setitem(sys.modules, "ipywidgets", ipywidgets)
    monkeypatch.setitem(sys.modules, "ipykernel", ModuleType("ipykernel"))
    example = run("1_first_look")
    ((show, to),) = sliders
    assert show is example.show_digit
    assert to == {"index": (0, len(example.X_train) - 1)}
    assert example.n_figures == 3


def test_backpropagation_by_hand(run):
    example = run("2_backpropagation_by_hand")
    assert example.largest > 0.1
    assert example.difference_error < 1e-8
    assert example.estimator_error < 1e-12
    assert example.weight_error < 1e-10
    assert example.accuracy_by_estimator == example.accuracy_by_hand
    assert example.accuracy_mini_batches > example.accuracy_by_hand > 0.9
    last_costs = {eta: costs[-1] for eta, costs in example.curves.items()}
    assert last_costs[example.learning_rate] == min(last_costs.values())


def test_perceptron_on_a_thousand_images(run):
    accuracies = run("3_perceptron_on_a_thousand_images").accuracies
    published, squared_error, cross_entropy, hidden_layer = accuracies.values()
    assert published > 0.9
    assert cross_entropy > squared_error + 0.03
    assert hidden_layer > squared_error + 0.03


def check_lbfgs(example):
    assert example.train_accuracy_20 > 0.9
    assert example.test_accuracy_20 > 0.9
    assert example.test_accuracy_100 > example.test_accuracy_20
    first, then = example.network.loss_curve_, example.continued.loss_curve_
    assert (len(first), len(then)) == (20, 80)
    assert (np.diff(first + then) < 0).all()
    # what was loaded is what was saved
    for loaded, saved in zip(example.coefs, example.network.coefs_, strict=True):
        np.testing.assert_array_equal(loaded, saved)
    for loaded, saved in zip(example.intercepts, example.network.intercepts_, strict=True):
        np.testing.assert_array_equal(loaded, saved)


def test_lbfgs_saved_and_continued(run, capsys):
    check_lbfgs(run("4_lbfgs_saved_and_continued"))
    assert "Iteration 20, loss = " in capsys.readouterr().out


def test_lbfgs_has_over_90_percent_of_mnist_in_20_iterations(run_on_mnist):
    check_lbfgs(run_on_mnist("4_lbfgs_saved_and_continued"))


def test_mini_batch_gradient_descent(run, capsys):
    example = run("5_mini_batch_gradient_descent")
    printed = capsys.readouterr().out
    assert all(f"Epoch {epoch}: " in printed for epoch in range(1, 31))
    assert example.steps["More units"] >= example.steps["Falling rate"] > 0.95
    assert example.steps["L2 penalty"] >= example.steps["Smaller weights"] > 0.95
    # epoch by epoch is the same as all at once, bit for bit
    at_once = clone(example.published).set_params(
        max_iter=30, warm_start=False, tol=0, n_iter_no_change=np.inf
    )
    at_once.fit(example.X_train, example.y_train, **example.normal_weights)
    for coef, expected in zip(example.published.coefs_, at_once.coefs_, strict=True):
        np.testing.assert_array_equal(coef, expected)


@at_night
def test_mini_batch_gradient_descent_has_98_percent_of_mnist(run_on_mnist):
    example = run_on_mnist("5_mini_batch_gradient_descent")
    published, improved, more_units = example.test_accuracy.values()
    assert 0.945 <= published < improved < 0.98 <= more_units


def test_own_handwriting(run):
    pytest.importorskip(
        "PIL", reason='Pillow is not installed: pip install "skdigitnet[images]"'
    )
    example = run("7_own_handwriting")
    assert example.n_figures == 1
    assert example.accuracy > 0.9
    assert example.accuracy_of_photographs > example.accuracy - 0.15


@at_night
def test_own_handwriting_on_mnist(run_on_mnist):
    pytest.importorskip(
        "PIL", reason='Pillow is not installed: pip install "skdigitnet[images]"'
    )
    example = run_on_mnist("7_own_handwriting")
    assert example.accuracy_of_photographs > example.accuracy - 0.03


def test_distorted_digits(run):
    example = run("distorted_digits")
    assert example.n_figures == 3
    assert example.best != "none"
    assert example.curves[example.best][-1] > example.curves["none"][-1] + 0.005
    assert example.test_accuracy[example.best] > example.test_accuracy["none"]


@at_night
def test_distorted_digits_on_mnist(run_on_mnist):
    example = run_on_mnist("distorted_digits")
    assert example.test_accuracy[example.best] > example.test_accuracy["none"] + 0.01


def test_how_far_distorted_digits_go(run):
    example = run("8_distorted_digits")
    assert example.n_figures == 3
    as_they_are, shorter, longer = example.test_accuracy.values()
    assert as_they_are + 0.01 < shorter < longer
    n_epochs = [len(network.validation_scores_) for network in example.networks.values()]
    assert n_epochs == [example.long, example.short, example.long]
    # what is shown of the distorted images is not what they were made of
    assert not any(
        np.array_equal(rows, example.X_train[example.first]) for rows in example.seen
    )


@at_night
def test_how_far_distorted_digits_go_on_mnist(run_on_mnist):
    as_they_are, _, longer = run_on_mnist("8_distorted_digits").test_accuracy.values()
    assert longer > as_they_are + 0.003
    assert longer > 0.988


def test_study(run):
    pytest.importorskip("pandas", reason="read_journal needs pandas: pip install pandas")
    example = run("study")
    assert example.child.returncode != 0
    assert 90 <= len(example.before) < len(example.after) == 180
    assert example.kept
    assert example.same
    assert example.curves.shape == (36, 5, 40)
    assert example.n_figures == 2


def test_rows_on_a_cluster(run):
    pytest.importorskip("distributed", reason='without Dask: pip install "skdigitnet[dask]"')
    example = run("rows_on_a_cluster")
    assert example.same
    assert example.accuracy > 0.97
    assert example.difference.max() < 1e-6
    assert example.n_figures == 1


def test_watch_stop_continue(run, capsys):
    pytest.importorskip("sklearn.callback", reason="callbacks need scikit-learn 1.9 or newer")
    example = run("watch_stop_continue")
    printed = capsys.readouterr().out
    assert "BackpropMLPClassifier - fit" in printed  # the progress bar
    assert example.same
    assert 0 < example.n_before < 100
    assert example.child.returncode != 0
    assert example.stopped.best_iteration_ < example.stopped.n_iter_ < 100
    assert list(example.history["epoch"]) == list(range(1, 101))
    assert example.rest["gradient_norm"].notna().all()
    assert example.n_figures == 1


def test_cross_validation_study(run):
    example = run("6_cross_validation_study")
    assert example.n_figures == 7
    assert 0.95 < example.nested_scores.mean() < 0.99
    assert np.mean(example.predicted == example.y) > 0.95
    # the corrected t is the plain one divided by sqrt(1 + J / 9), for J differences
    plain = stats.ttest_1samp(example.differences, 0)
    assert example.p_plain == pytest.approx(plain.pvalue)
    t = plain.statistic / np.sqrt(1 + 100 / 9)
    assert example.p_corrected == pytest.approx(2 * stats.t.sf(abs(t), 99))
    assert example.p_plain < 0.05 < example.p_corrected
    low, high = plain.confidence_interval(0.95)
    assert example.half_plain == pytest.approx((high - low) / 2)
