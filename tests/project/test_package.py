"""The package as installed, and what its source folder says."""

import shutil
import subprocess
import sys
import tomllib
from email.message import Message
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.metadata import version
from pathlib import Path

import pytest
from paths import ROOT

import skdigitnet
from skdigitnet import _classifier


def test_version_is_that_of_the_distribution():
    assert skdigitnet.__version__ == version("skdigitnet")


def test_version_is_that_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert skdigitnet.__version__ == project["version"]


def test_types_are_published():
    assert (Path(skdigitnet.__file__).parent / "py.typed").exists()


def test_source_folder_says_that_nothing_is_compiled_there(tmp_path):
    installed = Path(skdigitnet.__file__).parent
    compiled = shutil.ignore_patterns(*(f"*{end}" for end in EXTENSION_SUFFIXES))
    shutil.copytree(installed, tmp_path / "skdigitnet", ignore=compiled)
    imported = subprocess.run(
        # -S: without an editable install's way to the compiled modules
        [sys.executable, "-S", "-c", "import skdigitnet"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert imported.returncode != 0
    assert "this is the source folder" in imported.stderr


@pytest.mark.parametrize("url", ["https://docs.example/skdigitnet/", None])
def test_html_representation_links_to_the_documentation(monkeypatch, url):
    package = Message()
    package["Project-URL"] = "Source, https://source.example"
    if url is not None:
        package["Project-URL"] = f"Documentation, {url}"
    monkeypatch.setattr(_classifier, "metadata", lambda name: package)
    page = "https://docs.example/skdigitnet/generated/skdigitnet.BackpropMLPClassifier.html"
    html = skdigitnet.BackpropMLPClassifier()._repr_html_()
    assert (page in html) == (url is not None)
    assert "https://scikit-learn.org" not in html
