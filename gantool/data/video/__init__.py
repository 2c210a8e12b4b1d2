"""Video files: their frames as images, and files like them with other frames. Through PyAV, the extra `video`."""
