"""The host's own formats, layouts, tasks and loggers keep the rules that it has for those of plugins."""

from __future__ import annotations

import pytest

from gantool.testing import collect

CASES = [case for case in collect("gantool") if case.name.startswith(("format-", "layout-", "task-", "logger-"))]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_conformance(case, tmp_path):
    case.run(tmp_path)
