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
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from paths import ROOT

import skdigitnet

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
LINK = re.compile(r"""(?:\]\(|src="|srcset=")(?!https?:)([^)"#\s]+)""")
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


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_of_pages_outside_the_site(name):
    paths = LINK.findall((ROOT / name).read_text(encoding="utf-8"))
    assert [path for path in paths if not (ROOT / path).exists()] == []


@dataclass
class Command:
    page: Path
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}: {self.text}"

    @property
    def files(self) -> list[str]:
        return [word for word in shlex.split(self.text) if word.startswith("tests/")]

    def selects(self, test: str) -> bool:
        """Whether ``-k`` takes this test; pytest looks for each word in its name and file."""
        words = shlex.split(self.text)
        expression = words[words.index("-k") + 1] if "-k" in words else "True"

        def occurs(match: re.Match) -> str:
            word = match[0]
            keep = word in ("and", "or", "not", "True")
            return word if keep else str(word.lower() in test.lower())

        return eval(re.sub(r"\w+", occurs, expression))


def pytest_commands() -> Iterator[Command]:
    """The commands of pytest with files, in an indented line or between backticks."""
    for page in PAGES:
        for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
            code = [line] if line.startswith("    ") else re.findall(r"`([^`]+)`", line)
            for text in re.split("&&|;", ";".join(code)):
                if re.search(r"\bpytest .*tests/", text):
                    yield Command(page, number, text.strip())


def test_every_command_of_pytest_selects_a_test():
    commands = list(pytest_commands())
    assert len(commands) > 20, "the pages have more commands than are found here"
    files = {file for command in commands for file in command.files if (ROOT / file).exists()}
    child = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", *sorted(files)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert child.returncode == 0, child.stdout + child.stderr
    # files whose packages are not installed
    left_out = re.findall(r"^SKIPPED \[\d+\] (tests/[^:]+):", child.stdout, re.MULTILINE)
    tests: dict[str, list[str]] = {}
    for line in child.stdout.splitlines():
        if "::" in line:
            tests.setdefault(line.split("::")[0], []).append(line.removeprefix("tests/"))
    idle = [
        str(command)
        for command in commands
        for file in command.files
        if file not in left_out
        and not any(command.selects(test) for test in tests.get(file, []))
    ]
    assert not idle, "in these commands a file selects no test:\n" + "\n".join(idle)


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
