"""Model files that run but cannot be opened, ONNX and TFLite, and models that a server runs.

A file of ours says how it is used in one JSON text, the metadata `visioncam`: `{"card": ..., ...}`, where
`card` is what `ModelCard.record()` returns.
"""

METADATA = "visioncam"
