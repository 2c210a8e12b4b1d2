"""What computes a network: torch itself, torch.compile, ONNX Runtime or OpenVINO, and the choice among them."""
