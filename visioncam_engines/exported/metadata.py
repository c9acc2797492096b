"""Where each format has what VisionCam says of a file: one JSON document, under one name."""

NAME = "visioncam.json"
"""Of the member of the archive behind a TFLite file's own bytes; without `.json` the key in an ONNX file."""
SAVED_MODEL = "assets.extra/" + NAME
"""In the folder of a SavedModel: TensorFlow leaves `assets.extra` to its users."""
