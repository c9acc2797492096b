"""The engine of TensorFlow: the only code that reaches inside a Keras model; see `engine.py`."""
