"""The embedded model in PyTorch."""
