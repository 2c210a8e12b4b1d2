"""Images and annotations in and out. No torch here."""
