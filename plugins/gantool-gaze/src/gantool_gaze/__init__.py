"""Gaze data and a pupil locator, as a plugin of gantool. `gantool_gaze.plugin` describes what is here."""
