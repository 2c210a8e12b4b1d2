"""What the host provides without any plugin."""
