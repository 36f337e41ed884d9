"""How Sphinx builds the documentation; CONTRIBUTING.md has the command."""

from importlib.metadata import version as version_of
from pathlib import Path

from skdigitnet import BackpropMLPClassifier
from skdigitnet.plotting import draw_digit

HERE = Path(__file__).resolve().parent

project = "skdigitnet"
author = "The skdigitnet developers"
copyright = author  # noqa: A001, Sphinx's name
version = release = version_of(project)

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx.ext.mathjax",
    "sphinx-mathjax-offline",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build"]
nitpicky = True
smartquotes = False  # code in docstrings keeps its quotes
templates_path = ["_templates"]

myst_enable_extensions = ["dollarmath", "html_image"]
myst_heading_anchors = 3
autodoc_typehints = "none"  # docstrings have the types
numpydoc_show_class_members = False
# every parameter is documented, no other, and what is returned
numpydoc_validation_checks = {"PR01", "PR02", "RT01"}
toc_object_entries_show_parents = "hide"

# The names in other projects that we link to, in files here: a build needs no network.
intersphinx_mapping = {
    "joblib": ("https://joblib.readthedocs.io/en/stable/", "inventories/joblib.txt"),
    "sklearn": ("https://scikit-learn.org/stable/", "inventories/scikit-learn.txt"),
}

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "within_subsection_order": "FileNameSortKey",
    "write_computation_times": False,
}

html_theme = "pydata_sphinx_theme"
html_title = f"skdigitnet {release}"
html_logo = html_favicon = "_static/logo.svg"
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_sidebars = {
    page: []
    for page in ("install", "tour", "benchmarks", "changes", "contributing", "releasing")
}
html_theme_options = {
    "header_links_before_dropdown": 6,
    "logo": {"text": html_title},
    "show_prev_next": False,
}


def setup(app):
    """Have the page to draw on, which docs/draw.md shows, made beside the others."""
    app.connect("build-finished", make_page_to_draw_on)


def make_page_to_draw_on(app, error):
    """Make it of the network that docs/train_network_to_draw_for.py trained."""
    if error is None and app.builder.format == "html":
        clf = BackpropMLPClassifier().load_weights(HERE / "network_to_draw_for.npz")
        draw_digit(clf, Path(app.outdir) / "draw_digit.html")
