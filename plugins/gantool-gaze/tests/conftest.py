"""A host that loads only what a test tells it to."""

pytest_plugins = ("gantool.testing.fixtures",)
