"""What describing a plugin does, watched from outside: in a process of its own, which it may end or keep for ever. No torch."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
from dataclasses import dataclass

from .discovery import installed_plugins
from .registry import VARIABLE

PATIENCE = 60.0
"""Seconds after which a description is given up."""


@dataclass(frozen=True)
class Probe:
    """What was seen."""

    imports: str | None
    """`"FILE, line N"` of the plugin where describing it imports what was watched for; None where it does not."""
    seconds: float | None
    """How long describing it took; None where it did not come to its end, for it imports what was watched for, say."""
    ending: str
    """What became of the process where that was the plugin's doing, `"exit code 9"`; empty where nothing did."""


def probe(plugin: str, module: str) -> Probe:
    """Describe an installed plugin in another process; watch whether that imports `module`, which this one may hold already."""
    package = installed_plugins()[plugin][0].value.partition(":")[0].partition(".")[0]
    # Whatever the plugin prints, a line that begins with this is ours.
    mark = secrets.token_hex(8)
    path = os.pathsep.join(entry or os.curdir for entry in sys.path)
    try:
        result = subprocess.run(
            [sys.executable, "-c", _WATCH, module, plugin, package, mark],
            env={**os.environ, "PYTHONPATH": path, VARIABLE: ""},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=PATIENCE,
        )
    except subprocess.TimeoutExpired:
        return Probe(None, None, f"has no end within {PATIENCE:.0f} seconds")
    said = dict(line.split(" ", 2)[1:] for line in result.stdout.splitlines() if line.startswith(f"{mark} "))
    ending = "" if said else _ending(result.returncode)
    return Probe(said.get("imports"), float(said["seconds"]) if "seconds" in said else None, ending)


def _ending(code: int) -> str:
    if code >= 0:
        return f"ends the program with exit code {code}"
    try:
        return f"ends the program with {signal.Signals(-code).name}"
    except ValueError:
        return f"ends the program with signal {-code}"


_WATCH = """
import os, sys, time

class Watch:
    def find_spec(self, name, path=None, target=None):
        if name != module:
            return None
        own, other, frame = None, None, sys._getframe(1)
        while frame is not None:
            place = f"{frame.f_code.co_filename}, line {frame.f_lineno}"
            if own is None and str(frame.f_globals.get("__name__")).partition(".")[0] == package:
                own = place
            if other is None and "importlib" not in frame.f_code.co_filename:
                other = place
            frame = frame.f_back
        say("imports", own or other)
        os._exit(0)  # what was asked is known, and the import itself would take seconds

def say(what, text):
    print(f"\\n{mark} {what} {text}", file=out, flush=True)

out = os.fdopen(os.dup(1), "w")  # loading plugins leads the first descriptor elsewhere
module, plugin, package, mark = sys.argv[1:]
from gantool.plugins import load_plugins
sys.meta_path.insert(0, Watch())
start = time.perf_counter()
try:
    load_plugins([plugin])
except Exception:
    pass  # the doctor finds the cause in its own process
say("seconds", time.perf_counter() - start)
out.flush()
os._exit(0)  # threads of the plugin would keep the process
"""
"""Describes a plugin; prints the line through which a module is imported first, and how long it took."""
