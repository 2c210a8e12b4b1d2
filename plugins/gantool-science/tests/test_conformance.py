"""The contracts of all hooks, checked by the host's kit."""

import gantool.testing

test_conformance = gantool.testing.conformance("science")
