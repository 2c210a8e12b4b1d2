"""Scientific arrays as sets of pictures, a plugin of gantool. `gantool_science.plugin` describes what is here."""
