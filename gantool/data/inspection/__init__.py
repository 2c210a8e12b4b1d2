"""What is in a set of images, what differs between two, and what to do about it."""
