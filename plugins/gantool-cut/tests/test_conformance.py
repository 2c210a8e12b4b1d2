"""The contracts of all hooks, checked by the host's kit on small networks."""

import gantool.testing

SMALL = {
    "cyclegan:resnet": {"width": 4, "blocks": 2},
    "cyclegan:patch": {"width": 4, "depth": 2},
    "cut": {"width": 8, "patches": 16},
}

test_conformance = gantool.testing.conformance("cut", options=SMALL, size=(17, 21))
