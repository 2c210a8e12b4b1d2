"""Tar shards in the layout of WebDataset: the files of a sample follow each other and share their name up to the first dot."""
