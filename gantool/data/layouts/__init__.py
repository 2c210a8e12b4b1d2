"""Layouts: what a folder of files means, whichever program wrote it. One module says what one program writes."""
