"""Keras models on PyTorch: the tape of PyTorch models, under the recorder of Keras models."""
