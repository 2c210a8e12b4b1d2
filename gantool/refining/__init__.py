"""The steps of refining a data set: where it goes, what happens to an image, and reading, computing and writing at once."""
