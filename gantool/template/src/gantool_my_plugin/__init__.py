"""A generator, a loss and a recipe for the gantool host."""
