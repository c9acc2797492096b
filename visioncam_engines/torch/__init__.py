"""The engine for PyTorch models."""
