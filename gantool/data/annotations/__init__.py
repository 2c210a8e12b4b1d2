"""Labels that lie beside images in files: found, checked against the images, and kept true when these move or change size."""
