"""Whether refining helps: evidence, the report page and the visual Turing test."""
