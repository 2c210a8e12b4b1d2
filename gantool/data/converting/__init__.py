"""One way to store a set of images and labels into another."""
