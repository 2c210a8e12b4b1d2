from __future__ import annotations

import pytest

from gantool.errors import GantoolError, MissingExtra, cause, raised, require


@pytest.mark.parametrize(
    ("error", "said", "printed"),
    [
        (FileNotFoundError(2, "No such file", "x.png"), "No such file", "FileNotFoundError: [Errno 2] No such file: 'x.png'"),
        (OSError("broken\n  data"), "broken data", "OSError: broken data"),
        (ValueError(), "ValueError", "ValueError"),
        (KeyError("x"), "'x'", "KeyError: 'x'"),
        (GantoolError("write one\nof these"), "write one of these", "write one of these"),
    ],
)
def test_why_something_failed_is_one_line(error, said, printed):
    assert (cause(error), raised(error)) == (said, printed)


def test_a_package_that_is_not_installed_is_named_with_its_extra(monkeypatch):
    require("gantool evaluate", "evaluate", "json", "csv")
    with pytest.raises(MissingExtra, match=r"^gantool evaluate needs nowhere: pip install 'simgan-plugin\[evaluate\]'$"):
        require("gantool evaluate", "evaluate", "json", "nowhere")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match="estimator knn needs scikit-learn"):
        require("estimator knn", "evaluate", "sklearn")
