"""Compiling: who has no compiler or headers is told what to install; clang-cl on Windows."""

import importlib.util
import os
import platform
import shutil
import sys

import pytest
from paths import ROOT

setuptools = pytest.importorskip("setuptools", minversion="77")

from distutils.ccompiler import new_compiler  # noqa: E402, setuptools' own

SOURCE = "#include <Python.h>\nint nothing(void) { return Py_EQ; }\n"


@pytest.fixture(scope="module")
def build():
    """The module build_extensions.py, which is not installed."""
    path = ROOT / "build_extensions.py"
    spec = importlib.util.spec_from_file_location("build_extensions", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def command(build, tmp_path, monkeypatch):
    """The command for one extension, about to run in an empty folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nothing.c").write_text(SOURCE)
    flags = ["-O3", "--param=avoid-fma-max-bits=0"]
    extension = setuptools.Extension("nothing", ["nothing.c"], extra_compile_args=flags)
    distribution = setuptools.Distribution({"name": "nothing", "ext_modules": [extension]})
    command = build.BuildExtensions(distribution)
    command.build_lib = command.build_temp = str(tmp_path)
    return command


def run(command):
    command.ensure_finalized()
    command.run()


def calls_itself(monkeypatch, **release):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: release)


needs_posix = pytest.mark.skipif(os.name != "posix", reason="how others compile")


@needs_posix
@pytest.mark.parametrize(
    ("release", "advice"),
    [
        ({"ID": "debian"}, "`apt install gcc libc6-dev python3"),
        ({"ID": "linuxmint", "ID_LIKE": "ubuntu debian"}, "`apt install gcc"),
        ({"ID": "alpine"}, "`apk add gcc musl-dev python3-dev`"),
        ({"ID": "rocky", "ID_LIKE": "rhel centos fedora"}, "`dnf install gcc python3-devel`"),
        ({"ID": "opensuse-leap", "ID_LIKE": "suse opensuse"}, "`zypper install"),
        ({"ID": "something"}, "Install GCC or Clang"),
    ],
)
def test_without_a_compiler(command, monkeypatch, release, advice):
    monkeypatch.setenv("CC", "no-such-compiler")
    calls_itself(monkeypatch, **release)
    with pytest.raises(setuptools.errors.CompileError) as raised:
        run(command)
    assert "The C compiler 'no-such-compiler' was not found" in str(raised.value)
    assert advice in str(raised.value)


@needs_posix
def test_without_a_compiler_on_macos(build, monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert "xcode-select --install" in build.advice()


needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="there is no compiler")


@needs_posix
@needs_compiler
def test_without_headers(command, monkeypatch, tmp_path):
    monkeypatch.setenv("CC", "cc")
    calls_itself(monkeypatch, ID="debian")
    command.ensure_finalized()
    command.include_dirs = [str(tmp_path)]
    with pytest.raises(setuptools.errors.CompileError, match=r"Python.h.*apt install gcc"):
        command.run()


@needs_posix
@needs_compiler
def test_a_mistake_in_the_source_is_not_taken_for_a_missing_compiler(command, monkeypatch):
    monkeypatch.setenv("CC", "cc")
    with open("nothing.c", "a") as file:
        file.write("}")
    with pytest.raises(setuptools.errors.CompileError) as raised:
        run(command)
    assert "was not found" not in str(raised.value)


# Windows: setuptools' own class of Microsoft's compiler, of which scripts take the place


def add_program(folder, name):
    """A program that notes its arguments in a file, and makes what it is asked for."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / name
    program.write_text(
        f"#!{sys.executable}\n"
        "import sys, pathlib\n"
        f"pathlib.Path({str(folder / name)!r} + '.txt').write_text('\\n'.join(sys.argv[1:]))\n"
        "for argument in sys.argv:\n"
        "    for option in ('/Fo', '/OUT:'):\n"
        "        if argument.startswith(option):\n"
        "            pathlib.Path(argument.removeprefix(option)).touch()\n"
    )
    program.chmod(0o755)
    return program.with_name(f"{name}.txt")


@pytest.fixture
def visual_studio(tmp_path, monkeypatch):
    """The folder Tools of Visual C++ without Clang, in an environment as its prompt has."""
    tools = tmp_path / "Visual Studio" / "VC" / "Tools"
    programs = tools / "MSVC" / "14.40" / "bin" / "Hostx64" / "x64"
    add_program(programs, "cl.exe")
    add_program(programs, "link.exe")
    monkeypatch.setenv("DISTUTILS_USE_SDK", "1")
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("PROGRAMFILES", str(tmp_path / "Program Files"))
    return tools


def for_windows(command):
    command.compiler, command.plat_name = "msvc", "win-amd64"
    return command


@needs_posix
@pytest.mark.parametrize("place", ["beside cl", "in PATH", "of LLVM"])
def test_clang_cl_takes_the_place_of_microsofts_compiler(
    command, visual_studio, monkeypatch, tmp_path, place
):
    folder = {
        "beside cl": visual_studio / "Llvm" / "x64" / "bin",
        "in PATH": tmp_path / "bin",
        "of LLVM": tmp_path / "Program Files" / "LLVM" / "bin",
    }[place]
    if place == "in PATH":
        monkeypatch.setenv("PATH", str(folder) + os.pathsep + os.environ["PATH"])
    arguments = add_program(folder, "clang-cl")
    run(for_windows(command))
    given = arguments.read_text().splitlines()
    assert {"/clang:-O3", "/O2", "--target=x86_64-pc-windows-msvc"} <= set(given)
    assert "-O3" not in given
    assert not any("--param" in argument for argument in given)
    assert "/GL" not in given
    assert not list(tmp_path.rglob("cl.exe.txt"))
    assert list(tmp_path.rglob("link.exe.txt"))


@needs_posix
def test_microsofts_compiler_alone_is_refused(command, visual_studio, tmp_path):
    with pytest.raises(setuptools.errors.PlatformError, match=r"clang-cl.*C\+\+ Clang tools"):
        run(for_windows(command))
    assert not list(tmp_path.rglob("cl.exe.txt"))


@needs_posix
def test_without_visual_studio(command, monkeypatch):
    def not_there(*_):
        raise setuptools.errors.PlatformError("Microsoft Visual C++ is required")

    compiler = new_compiler(compiler="msvc")
    monkeypatch.setattr(type(compiler), "initialize", not_there)
    with pytest.raises(setuptools.errors.PlatformError, match=r"Visual C\+\+.*C\+\+ Clang"):
        run(for_windows(command))
