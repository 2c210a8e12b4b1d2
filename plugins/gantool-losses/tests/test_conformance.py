"""The contracts of all hooks, checked by the host's kit."""

import gantool.testing

SMALL = {"spectral-norm": {"options": {"width_factor": 0.1}}}

test_conformance = gantool.testing.conformance("losses", options=SMALL, size=(17, 21))
