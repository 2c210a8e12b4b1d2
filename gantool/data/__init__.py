"""Images and annotations in and out. No torch here."""

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".ppm", ".pgm")
"""File names (in any case) that are taken for images."""
