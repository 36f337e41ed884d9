"""How the extension modules are compiled, where setuptools has to be told more than flags.

``[tool.setuptools.cmdclass]`` in ``pyproject.toml`` names the class. The flags there are GCC's
and Clang's. On Windows setuptools calls Microsoft's compiler, which has no vector types and no
functions for one instruction set: clang-cl takes its place, Clang with Microsoft's libraries
and linker. And who has no compiler is told what to install.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
from pathlib import Path

from setuptools.command.build_ext import build_ext
from setuptools.errors import CompileError, PlatformError

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
# What installs a C compiler and Python's headers, by what /etc/os-release calls a system, or
# one that it is like
COMMANDS = {
    "alpine": "apk add gcc musl-dev python3-dev",
    "arch": "pacman -S gcc",
    "debian": f"apt install gcc libc6-dev python{VERSION}-dev",
    "fedora": "dnf install gcc python3-devel",
    "suse": "zypper install gcc python3-devel",
}
ON_WINDOWS = (
    "In the Visual Studio Installer, install 'Desktop development with C++' and its component"
    " 'C++ Clang tools for Windows', then try again."
)
MACHINES = {"win-amd64": "x86_64", "win-arm64": "aarch64", "win32": "i686"}


class BuildExtensions(build_ext):
    """Compiles extension modules by GCC or Clang; on Windows by clang-cl."""

    def run(self) -> None:
        """Compile and link all of them, with a compiler that has to be found."""
        try:
            super().run()
        except PlatformError as error:  # Visual Studio, or its clang-cl, is not there
            raise PlatformError(f"{error}. {ON_WINDOWS}") from error

    def build_extensions(self) -> None:
        """Compile and link all of them."""
        if self.compiler.compiler_type == "msvc":
            self._use_clang_cl()
            super().build_extensions()
            return
        try:
            super().build_extensions()
        except CompileError as error:
            missing = self._missing()
            if missing is None:
                raise
            raise CompileError(
                f"{missing} was not found: skdigitnet is compiled by GCC or Clang, with"
                f" Python's headers. {advice()}"
            ) from error

    def _missing(self) -> str | None:
        """What compiling fails without, if it is not there."""
        program = self.compiler.compiler_so[0]
        if shutil.which(program) is None:
            return f"The C compiler {program!r}"
        folders = self.compiler.include_dirs
        if not any(Path(folder, "Python.h").exists() for folder in folders):
            return f"Python's header Python.h, in {' or '.join(folders)},"
        return None

    def _use_clang_cl(self) -> None:
        compiler = self.compiler
        if not compiler.initialized:
            compiler.initialize(self.plat_name)
        compiler.cc = clang_cl(Path(compiler.cc))
        # /GL has the linker generate code, which it can for its own compiler alone
        options = [option for option in compiler.compile_options if option != "/GL"]
        target = f"--target={MACHINES[self.plat_name]}-pc-windows-msvc"
        compiler.compile_options = [*options, target]
        for extension in self.extensions:
            flags = extension.extra_compile_args
            extension.extra_compile_args = [
                f"/clang:{flag}" for flag in flags if not flag.startswith("--param")
            ]


def clang_cl(cl: Path) -> str:
    """The path of clang-cl: in PATH, beside Visual Studio's cl, or where LLVM installs it."""
    folders = os.environ.get("PATH", "").split(os.pathsep)
    if len(cl.parents) > 5:  # VC/Tools/MSVC/14.40/bin/Hostx64/x64/cl.exe
        folders.append(str(cl.parents[5] / "Llvm" / "x64" / "bin"))
    folders.append(os.path.join(os.environ.get("PROGRAMFILES", ""), "LLVM", "bin"))
    found = shutil.which("clang-cl", path=os.pathsep.join(folders))
    if found is None:
        raise PlatformError(
            "clang-cl was not found: skdigitnet uses vector types, which Microsoft's own"
            " compiler does not have"
        )
    return found


def advice() -> str:
    """What to do on this system to have a compiler."""
    if sys.platform == "darwin":
        return "Run `xcode-select --install`, then try again."
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        release = {}
    for name in (release.get("ID", ""), *release.get("ID_LIKE", "").split()):
        if name in COMMANDS:
            return f"Run `{COMMANDS[name]}`, as root, then try again."
    return "Install GCC or Clang, and what this system calls Python's headers, then try again."
