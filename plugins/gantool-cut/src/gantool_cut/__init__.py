"""CUT and FastCUT, as a plugin of gantool. `gantool_cut.plugin` describes what is here."""
