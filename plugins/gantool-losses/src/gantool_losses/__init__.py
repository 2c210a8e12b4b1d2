"""Losses that people swap in, as a plugin of gantool. `gantool_losses.plugin` describes what is here."""
