"""The contracts of all hooks, checked by the host's kit on small networks."""

import gantool.testing

SMALL = {
    "resnet": {"width": 4, "downsamplings": 2, "blocks": 2},
    "patch": {"width": 4, "depth": 2},
    "pool": {"size": 3},
}

test_conformance = gantool.testing.conformance("cyclegan", options=SMALL, size=(17, 21))
