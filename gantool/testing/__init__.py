"""What plugin authors test with: public API, which follows the same promises as the hooks.

    import gantool.testing

    test_conformance = gantool.testing.conformance("my-plugin")

is a whole test file; `gantool.testing.fixtures` adds the pytest fixture `gantool_host`. Importing this package imports neither
torch nor pytest.
"""

from __future__ import annotations

from .conformance import Case, collect, conformance
from .subject import Fault, Subject

__all__ = ["Case", "Fault", "Subject", "collect", "conformance"]
