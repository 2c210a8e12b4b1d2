from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

# The networks of the tests are tiny: a second thread makes them no faster, and on a busy machine several times slower. Before
# torch is imported, and inherited by the processes that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")

FORKED = Path(__file__).parent / "helpers" / "forked.py"
ALLOWED_SKIPS = ("CUDA", "shared", "fork of albumentations")
"""Words of reasons for which a test may skip even where every extra must be there."""


def pytest_sessionfinish(session: pytest.Session) -> None:
    """With GANTOOL_REQUIRE_EXTRAS set, as `.ci/run` sets it, fail where a test was skipped for want of a package or a browser."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not os.environ.get("GANTOOL_REQUIRE_EXTRAS") or reporter is None:
        return
    skipped = [str(report.longrepr) for report in reporter.stats.get("skipped", [])]
    missing = [reason for reason in skipped if not any(word in reason for word in ALLOWED_SKIPS)]
    for reason in missing:
        reporter.write_line(f"skipped, but every extra must be there: {reason}", red=True)
    if missing:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def throwaway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The python of an environment that sees what is installed here and keeps to itself what is installed into it."""
    folder = tmp_path_factory.mktemp("throwaway") / "venv"
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    site = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    ours = [path for path in sys.path if path.endswith("site-packages")]
    # A .pth file alone would not follow the .pth files there, by which gantool itself may be installed.
    lines = "".join(f"import site; site.addsitedir({path!r})\n" for path in ours)
    (site / "parent.pth").write_text(lines)
    place = folder / "socket"
    # In a new interpreter each command would import torch again, which is most of what it costs.
    forked = f'"{python}" -SE "{FORKED}" "{place}"'
    for command, module in (("gantool", f"{forked} gantool"), ("pytest", f"{forked} pytest"), ("pip", f'"{python}" -m pip')):
        script = python.with_name(command)
        script.write_text(f'#!/bin/sh\nexec {module} "$@"\n')
        script.chmod(0o755)
    words = [python, FORKED, place]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout.readline() == "ready\n"
        yield python
        server.stdin.close()
