"""Parquet files with a column of encoded images, as Hugging Face data sets have them."""
