"""The host's own formats, layouts, tasks, loggers and estimators of pixels keep the rules that it has for those of plugins."""

from __future__ import annotations

import pytest

from gantool.testing import collect

SMALL = {"steps": 10, "batch_size": 4, "width": 8}
PIXELS = ("heatmap-detector", "mask-detector", "small-unet")
KINDS = ("format-", "layout-", "task-", "logger-", *(f"estimator-{name}" for name in PIXELS))
CASES = [case for case in collect("gantool", options=dict.fromkeys(PIXELS, SMALL)) if case.name.startswith(KINDS)]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_conformance(case, tmp_path):
    case.run(tmp_path)
