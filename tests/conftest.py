from __future__ import annotations

import os

import pytest

# The networks of the tests are tiny: a second thread makes them no faster, and on a busy machine several times slower. Before
# torch is imported, and inherited by the processes that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")

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
