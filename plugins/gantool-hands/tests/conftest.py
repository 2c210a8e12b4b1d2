pytest_plugins = ("gantool.testing.fixtures",)
