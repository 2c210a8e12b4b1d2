from __future__ import annotations

import pytest

from gantool.errors import GantoolError, cause, raised


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
