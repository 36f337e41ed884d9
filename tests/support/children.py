"""A Python of its own for a function of the tests, or for a script."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

HERE = str(Path(__file__).parent)  # where the functions are
CALL = """
import importlib, json, signal, sys

# a shell starts what it runs in the background with Ctrl-C ignored
signal.signal(signal.SIGINT, signal.default_int_handler)
module, _, name = sys.argv[1].rpartition(".")
returned = getattr(importlib.import_module(module), name)(*json.loads(sys.argv[2]))
if returned is not None:
    print(json.dumps(returned))
"""
ABORTING = 60  # seconds


def start(source, *arguments, flags=("-W", "ignore"), variables=None, **options):
    """A Popen of a script; ``variables`` are of its environment, beside this process's own."""
    paths = [HERE, os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    return subprocess.Popen(
        [sys.executable, "-u", "-X", "faulthandler", *flags, "-c", source, *arguments],
        env=environment | (variables or {}),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **{"cwd": HERE, **options},  # not the source folder, where nothing is compiled
    )


def output_of(child, timeout=300):
    """What is left of its output, once it has ended well.

    If it has not in time, its faulthandler prints where every thread is.
    """
    with child:
        try:
            out, errors = child.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGABRT)
            out, errors = child.communicate(timeout=ABORTING)
        finally:
            child.kill()
    assert child.returncode == 0, errors
    return out


def child_of(call, *arguments, **options):
    """A Popen of ``call``, as "module.function", with arguments that JSON can carry."""
    return start(CALL, call, json.dumps(arguments), **options)


def in_child(call, *arguments, timeout=300, **options):
    """What a function returns in a child process."""
    out = output_of(child_of(call, *arguments, **options), timeout)
    return json.loads(out) if out else None


def script(source, *arguments, timeout=300, **options):
    """What a script prints in a child process."""
    return output_of(start(source, *arguments, **options), timeout)
