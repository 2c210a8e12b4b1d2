"""A trained generator as files: bundles that load and save, exports, published folders and their cards."""
