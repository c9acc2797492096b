"""Writing a model and its map as one graph: SavedModel, TFLite, ONNX."""
