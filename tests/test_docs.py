"""The pages' Python runs, and prints what the pages say; so do the docstrings' examples.

On a page, blocks of ``python`` are run in turn, in one namespace. A block of ``text`` right
after one is what it prints. Blocks of ``pycon`` are doctests. A block below a line
``<!-- not run: why -->`` is skipped for that reason.
"""

from __future__ import annotations

import contextlib
import doctest
import importlib
import io
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import skdigitnet

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
MODULES = [module.name for module in pkgutil.walk_packages(skdigitnet.__path__, "skdigitnet.")]
BLOCK = re.compile(
    r"""
    (?: ^<!--\ not\ run:\ (?P<reason> [^\n]+ )\ -->\n )?
    ^```(?P<language> python | pycon )\n (?P<source> .*? ) ^```\n
    (?: \n* ^```text\n (?P<printed> .*? ) ^```\n )?
    """,
    re.MULTILINE | re.DOTALL | re.VERBOSE,
)
FENCE = re.compile(r"^\s*(?:```|~~~|:::).*\b(?:python|pycon|py|doctest)", re.MULTILINE)
USE_CALLBACKS = ("training.md", "skdigitnet.callbacks")
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@dataclass
class Block:
    page: Path
    line: int
    language: str
    source: str
    printed: str | None
    reason: str | None

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"

    def run(self, names: dict) -> None:
        if self.language == "pycon":
            run_doctest(
                doctest.DocTestParser().get_doctest(
                    self.source, {}, str(self), str(self.page), self.line
                ),
                names,
            )
            return
        # blank lines before it, so that a traceback points into the page
        code = compile("\n" * self.line + self.source, str(self.page), "exec")
        with contextlib.redirect_stdout(io.StringIO()) as output:
            exec(code, names)
        if self.printed is not None:
            assert output.getvalue() == self.printed, f"{self} prints something else"


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    found = [
        Block(
            page,
            line=text.count("\n", 0, match.start("source")),
            **match.groupdict(),
        )
        for match in BLOCK.finditer(text)
    ]
    assert len(found) == len(FENCE.findall(text)), f"{page}: a block of Python has another form"
    return found


def run_doctest(test: doctest.DocTest, names: dict) -> None:
    test.globs = names
    report: list[str] = []
    failed, _ = doctest.DocTestRunner(optionflags=OPTIONS).run(
        test, out=report.append, clear_globs=False
    )
    assert failed == 0, "".join(report)


def skip_without_callbacks(name: str) -> None:
    if name in USE_CALLBACKS:
        pytest.importorskip("sklearn.callback", reason="callbacks need scikit-learn 1.9")


def cases() -> Iterator:
    """The blocks of each page that are run, and each one that is not."""
    for page in PAGES:
        every = blocks(page)
        run = [block for block in every if block.reason is None]
        if run:
            yield pytest.param(run, id=page.name)
        for block in every:
            if block.reason is not None:
                yield pytest.param([], id=str(block), marks=pytest.mark.skip(block.reason))


@pytest.fixture(autouse=True)
def figures_without_a_screen(monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "Agg")
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.mark.parametrize("blocks_of_page", list(cases()))
def test_page(blocks_of_page, tmp_path, monkeypatch):
    skip_without_callbacks(blocks_of_page[0].page.name)
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "__main__"}
    for block in blocks_of_page:
        block.run(names)


@pytest.mark.parametrize("name", MODULES)
def test_docstrings(name):
    skip_without_callbacks(name)
    module = importlib.import_module(name)
    for test in doctest.DocTestFinder(exclude_empty=True).find(module):
        run_doctest(test, {})


def test_contributing_names_every_module():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    modules = {path.name for path in (ROOT / "skdigitnet").glob("*.py")}
    assert set(re.findall(r"`(\w+\.py)`", text)) == modules - {"__init__.py"}


def test_commands_of_reliability_select_tests():
    text = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    commands = re.findall(r'pytest (?:-s )?(tests/[^`"]+?\.py)(?: -k (\w+|"[^"]+"))?`', text)
    assert len(commands) > 15
    for files, words in commands:
        names = "".join((ROOT / file).read_text(encoding="utf-8") for file in files.split())
        for word in words.strip('"').split(" or "):
            assert re.search(rf"^def test_\w*{word}", names, re.MULTILINE), (files, word)


def test_check_links(tmp_path):
    def check():
        command = [sys.executable, str(ROOT / "docs" / "check_links.py"), str(tmp_path)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    index, other = tmp_path / "index.html", tmp_path / "a b.html"
    index.write_text(
        '<a href="a%20b.html#here">x</a> <a href="#">x</a> <a href="https://x.y/">x</a>'
    )
    other.write_text('<h1 id="here">x</h1>')
    assert check().returncode == 0
    index.write_text(
        '<a href="a%20b.html#there">x</a> <a href="a%20b.html">x</a> <img src="c.png">'
    )
    assert check().stderr.splitlines() == [
        "index.html: a%20b.html#there",
        "index.html: c.png",
        "2 links lead nowhere.",
    ]
