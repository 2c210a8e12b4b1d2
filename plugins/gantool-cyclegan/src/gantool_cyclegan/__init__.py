"""CycleGAN, as a plugin of gantool. `gantool_cyclegan.plugin` describes what is here."""
