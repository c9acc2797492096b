"""ONNX files: metadata, and running them."""


def require() -> None:
    pass
