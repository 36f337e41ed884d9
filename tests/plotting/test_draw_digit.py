"""The page to draw on: its JavaScript makes and reads images as the package does, and it works.

The JavaScript is run by Node.js, and the page in Chromium, where these are installed.
"""

import html
import json
import re
import shutil
import subprocess

import browser
import numpy as np
import pandas as pd
import pytest
from drawings import drawings
from paths import ROOT
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, Normalizer, StandardScaler

from skdigitnet import BackpropMLPClassifier
from skdigitnet._core.plan import ACTIVATIONS, OUTPUT_LOSSES
from skdigitnet.datasets import load_image
from skdigitnet.plotting import draw_digit

X, Y = load_digits(return_X_y=True)
MANY_LABELS = np.stack([Y % 2 == 0, Y > 4, Y == 0], axis=1).astype(int)
SIDE = 280  # of the drawing that the page prepares
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="without Node.js")
needs_chromium = pytest.mark.skipif(
    bool(browser.missing()), reason=f"without {browser.missing()}"
)


def fitted(X=X / 16, y=Y, hidden=(12,), **parameters):
    """A network after a few epochs."""
    parameters = {"max_iter": 10, "n_iter_no_change": np.inf, "random_state": 0} | parameters
    return BackpropMLPClassifier(hidden, **parameters).fit(X, y)


@pytest.fixture(scope="module")
def page():
    return draw_digit(fitted())


@pytest.fixture
def run_js(tmp_path):
    """Calls a JavaScript function of (network, argument) among those of a page."""

    def run(page, function, argument):
        *scripts, _ = re.findall(r"<script>\n(.*?)</script>", page.html, re.DOTALL)
        assert len(scripts) == 3  # all but page.js, which needs a browser
        program = tmp_path / "program.js"
        program.write_text(
            "\n".join(scripts)
            + f"""
            const read = JSON.parse(require("fs").readFileSync(0));
            unpack(read.network).then((network) =>
              console.log(JSON.stringify(({function})(network, read.argument))));
            """
        )
        given = json.dumps({"network": network_of(page), "argument": argument})
        child = subprocess.run(
            ["node", str(program)], input=given, capture_output=True, text=True, check=False
        )
        assert child.returncode == 0, child.stderr
        return json.loads(child.stdout)

    return run


def network_of(page):
    (text,) = re.findall(
        r'<script type="application/json" id="network">(.*?)</script>', page.html
    )
    return json.loads(text)


# Images


def strokes_of_all_kinds(n):
    """An upright line, and drawings by pens from thin to bold, some with a tap beside them."""
    # not quite straight: its centre of mass would lie between two pixels, and go to either
    yield {"strokes": [[[0.5, 0.2], [0.5, 0.7], [0.504, 0.8]]], "radius": 11}
    rng = np.random.default_rng(0)
    for _, strokes in drawings(n - 1):
        tap = [[[0.03, 0.97]]] if rng.random() < 0.3 else []
        yield {"strokes": strokes + tap, "radius": rng.uniform(5, 17)}


@needs_node
@pytest.mark.parametrize(("size", "largest", "n"), [(28, 1, 200), (8, 16, 50)])
def test_input_is_that_of_load_image(page, run_js, size, largest, n):
    function = f"""(network, drawings) => drawings.map(({{ strokes, radius }}) => {{
      const ink = inkStrokes(strokes, {SIDE}, radius);
      return [Array.from(ink), prepare(ink, {SIDE}, {size})];
    }})"""
    drawn = run_js(page, function, list(strokes_of_all_kinds(n)))
    for ink, image in drawn:
        picture = 255 - np.array(ink, dtype=np.uint8).reshape(SIDE, SIDE)
        row = load_image(picture, size=size) / largest
        np.testing.assert_allclose(image, row, rtol=0, atol=1 / 255)
        assert row.max() > 0.5


@needs_node
def test_images_of_another_size_are_like_mnist(page, run_js):
    function = f"""(network, strokes) =>
      prepare(inkStrokes(strokes, {SIDE}, 11), {SIDE}, 56)"""
    for _, strokes in drawings(10):
        image = np.array(run_js(page, function, strokes)).reshape(56, 56)
        inked = [np.flatnonzero(image.any(axis=axis)) for axis in (0, 1)]
        assert 40 <= max(np.ptp(places) + 1 for places in inked) <= 41
        centre = np.stack(np.nonzero(image)) @ image[image > 0] / image.sum()
        np.testing.assert_allclose(centre, 28, atol=0.51)


@needs_node
def test_no_ink_is_no_image(page, run_js):
    assert run_js(page, f"() => prepare(inkStrokes([], {SIDE}, 11), {SIDE}, 28)", None) is None


# Networks

OUTPUTS = {
    "softmax": {},
    "softmax of two": {"y": Y == 8, "output_activation": "softmax"},
    "logistic, normalised": {"output_activation": "logistic"},
    "one logistic": {"y": Y == 8},
    "logistic of several labels": {"y": MANY_LABELS},
    "identity": {"loss": "squared_error", "output_activation": "identity"},
    "one identity": {"y": Y == 8, "loss": "squared_error", "output_activation": "identity"},
    "identity of several labels": {
        "y": MANY_LABELS, "loss": "squared_error", "output_activation": "identity",
    },
}  # fmt: skip
NETWORKS = {
    **{f"outputs {name}": parameters for name, parameters in OUTPUTS.items()},
    **{f"activation {name}": {"activation": name, "hidden": (9, 7)} for name in ACTIVATIONS},
    "no hidden layer": {"hidden": ()},
    "float32": {"X": (X / 16).astype(np.float32)},
}
APPLY = """(network, images) => images.map((image) => {
  const p = probabilities(network, forward(network, image).at(-1));
  return [p, predicted(network, p)];
})"""


def test_every_output_activation_is_tried():
    tried = {name.split(" ")[0].strip(",") for name in OUTPUTS}
    assert tried >= {activation for _, activation in OUTPUT_LOSSES}


@needs_node
@pytest.mark.parametrize("parameters", NETWORKS.values(), ids=NETWORKS)
def test_probabilities_are_those_of_predict_proba(parameters, run_js):
    clf = fitted(**parameters)
    rows = X[:100] / 16
    p, places = zip(*run_js(draw_digit(clf), APPLY, rows.tolist()), strict=True)
    if hasattr(clf, "predict_proba"):
        expected = clf.predict_proba(rows)
    else:  # a decision is above 0 where the output is above one half, its target being 0 or 1
        scores = clf.decision_function(rows)
        several = scores + 0.5 if clf._multilabel else scores
        one = scores.ndim == 1
        expected = np.column_stack([0.5 - scores, 0.5 + scores]) if one else several
    np.testing.assert_allclose(p, expected, rtol=0, atol=1e-5)
    y_pred = clf.predict(rows)
    if clf._multilabel:
        assert [list(np.flatnonzero(row)) for row in y_pred] == list(places)
    else:
        np.testing.assert_array_equal(clf.classes_[np.ravel(places)], y_pred)


PIPELINES = {
    "scaled": (make_pipeline(StandardScaler()), X),
    "of a frame": (
        make_pipeline(StandardScaler().set_output(transform="pandas")),
        pd.DataFrame(X, columns=[f"pixel {i}" for i in range(64)]),
    ),
    "principal components": (make_pipeline(MinMaxScaler(), PCA(20, random_state=0)), X),
    "the network alone": (make_pipeline("passthrough"), X / 16),
}


@needs_node
@pytest.mark.parametrize(("steps", "rows"), PIPELINES.values(), ids=PIPELINES)
def test_pipelines(steps, rows, run_js):
    clf = make_pipeline(*steps, fitted()).fit(rows, Y)
    largest = np.max(np.asarray(rows))
    page = draw_digit(clf, max_pixel=largest)
    images = np.asarray(rows)[:100] / largest
    p, _ = zip(*run_js(page, APPLY, images.tolist()), strict=True)
    np.testing.assert_allclose(p, clf.predict_proba(rows[:100]), rtol=0, atol=1e-5)


def test_best_of_a_search(page):
    search = GridSearchCV(fitted(), {"hidden_layer_sizes": [(12,)]}, cv=2).fit(X / 16, Y)
    assert network_of(draw_digit(search)) == network_of(page)


# The file


def test_file_is_the_page(page, tmp_path):
    file = tmp_path / "digit.html"
    file.write_text("another")
    assert draw_digit(fitted(), file).html == page.html
    assert file.read_text(encoding="utf-8") == page.html
    assert list(tmp_path.iterdir()) == [file]


def test_page_needs_nothing_else(page):
    assert not re.search(r"""(src|href)=["']|@import|url\(|https?:""", page.html)
    assert "default-src 'none'" in page.html


def test_page_of_75_hidden_units_has_less_than_300_kb():
    larger = np.kron(X.reshape(-1, 8, 8) / 16, np.ones((3, 3)))
    rows = np.pad(larger, [(0, 0), (2, 2), (2, 2)]).reshape(-1, 784)
    content = draw_digit(fitted(rows, hidden=(75,))).html.encode()
    assert 200_000 < len(content) < 300_000


def test_labels_are_text():
    names = np.array(["</script><b>", "&amp;", "ß"])
    page = draw_digit(fitted(y=names[Y % 3]))
    assert network_of(page)["classes"] == sorted(names)
    assert "</script><b>" not in page.html


def test_notebook_shows_the_page_in_a_frame(page):
    (inner,) = re.findall(r'<iframe srcdoc="([^"]*)"', page._repr_html_())
    assert html.unescape(inner) == page.html


# Errors


@pytest.mark.parametrize(
    ("estimator", "error", "message"),
    [
        (BackpropMLPClassifier(), NotFittedError, "not fitted"),
        (GaussianNB(), TypeError, "it is GaussianNB"),
        (
            make_pipeline(StandardScaler(), GaussianNB()),
            TypeError,
            "it is Pipeline with GaussianNB",
        ),
        (
            make_pipeline(Normalizer(), BackpropMLPClassifier((5,), tol=0.01, random_state=0)),
            ValueError,
            "a step before the network that is not an affine function",
        ),
    ],
    ids=["not fitted", "another", "pipeline of another", "not affine"],
)
def test_estimators_refused(estimator, error, message, tmp_path):
    if error is not NotFittedError:
        estimator.fit(X, Y)
    with pytest.raises(error, match=message):
        draw_digit(estimator, tmp_path / "digit.html")
    assert list(tmp_path.iterdir()) == []


def test_images_must_be_square():
    with pytest.raises(ValueError, match="fitted on 63 features, which make no square"):
        draw_digit(fitted(X[:, 1:] / 16))


@pytest.mark.parametrize("max_pixel", [0, -1, np.inf, np.nan, "16", None, True])
def test_max_pixel_refused(max_pixel):
    with pytest.raises(ValueError, match=f"max_pixel must be .* it is {max_pixel!r}"):
        draw_digit(fitted(), max_pixel=max_pixel)


# In a browser

ARROW_UP, ARROW_DOWN, TAB = "\ue013", "\ue015", "\ue004"  # WebDriver's names of keys
SPACE, BACKSPACE, DELETE = " ", "\ue003", "\ue017"


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    with browser.chromium(tmp_path_factory.mktemp("profile")) as tab:
        yield tab


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """The page that the documentation shows."""
    clf = BackpropMLPClassifier().load_weights(ROOT / "docs" / "network_to_draw_for.npz")
    path = tmp_path_factory.mktemp("page") / "digit.html"
    draw_digit(clf, path)
    return path


@pytest.fixture
def tab(chromium, file):
    """The browser with the page open, no drawing on it."""
    chromium.resize(1200, 800)
    chromium.open(file.as_uri())
    return chromium


def draw(tab, strokes, pointer="mouse"):
    box = "const box = document.getElementById('paper').getBoundingClientRect();"
    left, top, width = tab.run(f"{box} return [box.left, box.top, box.width]")
    for stroke in strokes:
        tab.drag([(left + x * width, top + y * width) for x, y in stroke], pointer)


def text(tab, name):
    return tab.run("return document.getElementById(arguments[0]).textContent.trim()", name)


def n_inked(tab):
    """Pixels of the network's input that are not blank."""
    return tab.run(
        """const canvas = document.getElementById("input");
        const image = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        return image.data.filter((value, i) => i % 4 === 3 && value > 0).length"""
    )


@needs_chromium
def test_digits_drawn_are_read(tab):
    read = []
    for digit, strokes in drawings(40, random_state=1):
        draw(tab, strokes, pointer=("mouse", "pen", "touch")[digit % 3])
        read.append(text(tab, "predicted") == str(digit))
        tab.run("document.getElementById('clear').click()")
        assert text(tab, "predicted") == ""
    assert sum(read) >= 38


@needs_chromium
def test_what_is_shown_of_a_drawing(tab):
    assert n_inked(tab) == 0
    draw(tab, drawings(4)[3][1])
    assert 50 < n_inked(tab) < 300
    bars = "[...document.querySelectorAll('.bar div')]"
    widths = tab.run(f"return {bars}.map((bar) => parseFloat(bar.style.width))")
    assert len(widths) == 10
    assert widths[3] > 90
    assert sum(widths) == pytest.approx(100, abs=0.01)
    hidden = "return document.querySelector('#hidden canvas').getAttribute('aria-label')"
    assert re.fullmatch(r"Hidden units: 50, of which \d+ are .*", tab.run(hidden))
    assert text(tab, "status") == f"3 {text(tab, 'share')}"


@needs_chromium
def test_undo_takes_back_a_stroke_or_clear(tab):
    inked = [0]
    for stroke in [[(0.3, 0.2), (0.3, 0.8)], [(0.5, 0.2), (0.7, 0.8)]]:
        draw(tab, [stroke])
        inked.append(n_inked(tab))
    assert len(set(inked)) == 3
    tab.run("document.getElementById('clear').click()")
    assert n_inked(tab) == 0
    for expected in (inked[2], inked[1], 0, 0):
        tab.run("document.getElementById('undo').click()")
        assert n_inked(tab) == expected


@needs_chromium
def test_everything_by_keyboard(tab):
    focused = "return document.activeElement.id"
    tab.press(TAB)
    assert tab.run(focused) == "paper"
    tab.press(*[ARROW_UP] * 8, SPACE, *[ARROW_DOWN] * 16, SPACE)
    assert text(tab, "predicted") == "1"
    tab.press(*[ARROW_UP] * 5)  # the pen is lifted
    assert text(tab, "status").startswith("1 ")
    tab.press(BACKSPACE)
    assert n_inked(tab) == 0
    tab.press(SPACE, ARROW_UP, SPACE, DELETE)
    assert n_inked(tab) == 0
    order = []
    for _ in range(2):
        tab.press(TAB)
        order.append(tab.run(focused))
    assert order == ["undo", "clear"]
    tab.press(SPACE)
    assert tab.run(focused) == "clear"


@needs_chromium
@pytest.mark.parametrize("width", [1200, 700, 390, 320])
@pytest.mark.parametrize("names", [[0, 1, 2], ["eight", "n" * 40, "a long name of a digit"]])
def test_nothing_is_wider_than_the_screen(tab, width, names, tmp_path):
    clf = fitted(y=np.array(names)[Y % 3], hidden=(100, 12))
    draw_digit(clf, tmp_path / "digit.html")
    tab.open((tmp_path / "digit.html").as_uri())
    tab.resize(width, 800)
    draw(tab, drawings(1)[0][1])
    outside = tab.run(
        """return [...document.querySelectorAll("main *:not(.spoken)")].filter((element) => {
          const box = element.getBoundingClientRect();
          return box.left < 0 || box.right > innerWidth;
        }).map((element) => element.outerHTML)"""
    )
    assert outside == []
    assert tab.run("return document.documentElement.scrollWidth") <= width


@needs_chromium
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out(tab, scheme):
    """WCAG's contrast: 4.5 for text, and 3 for bars and borders, with what is around them."""
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    tab.command("Emulation.setEmulatedMedia", features=features)
    style = "getComputedStyle(document.documentElement).getPropertyValue(name)"
    names = ["background", "empty", "text", "muted", "line", "positive", "negative"]
    colors = tab.run(f"return arguments[0].map((name) => {style})", [f"--{n}" for n in names])
    background, empty, *others = map(luminance, colors)
    assert (background > 0.5) == (scheme == "light")
    text, muted, line, positive, negative = others
    assert min(contrast(text, background), contrast(text, empty)) > 4.5
    assert contrast(muted, background) > 4.5
    assert min(contrast(color, background) for color in (line, positive, negative)) > 3
    assert min(contrast(color, empty) for color in (positive, negative)) > 3


def luminance(color):
    values = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def contrast(one, other):
    darker, lighter = sorted([one, other])
    return (lighter + 0.05) / (darker + 0.05)


@needs_chromium
def test_page_works_in_a_notebook(tab, page, tmp_path):
    (tmp_path / "notebook.html").write_text(page._repr_html_(), encoding="utf-8")
    tab.open((tmp_path / "notebook.html").as_uri())
    tab.enter_frame(0)
    draw(tab, drawings(1)[0][1])
    assert text(tab, "share").endswith("%")
