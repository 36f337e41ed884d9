"""The package as installed, and what its source folder says."""

import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import skdigitnet


def test_version_is_that_of_the_distribution():
    assert skdigitnet.__version__ == version("skdigitnet")


def test_types_are_published():
    assert (Path(skdigitnet.__file__).parent / "py.typed").exists()


def test_source_folder_says_that_nothing_is_compiled_there(tmp_path):
    installed = Path(skdigitnet.__file__).parent
    (tmp_path / "skdigitnet").mkdir()
    for module in installed.glob("*.py"):
        shutil.copy(module, tmp_path / "skdigitnet")
    imported = subprocess.run(
        [sys.executable, "-c", "import skdigitnet"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert imported.returncode != 0
    assert "this is the source folder" in imported.stderr
