"""Every rule that the host has for what this plugin provides."""

import gantool.testing

# Smaller networks than the defaults keep it quick.
test_conformance = gantool.testing.conformance(
    "my-plugin", options={"mover": {"width": 4}, "simgan:local": {"width_factor": 0.2}}
)
