"""A run folder: what lies in it, written whole or not at all. No training, no refining."""
