"""Hands in depth images, as a plugin of gantool."""
