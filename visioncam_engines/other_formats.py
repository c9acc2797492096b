"""Model files of other formats: what each is, and the way from it to a model that can be explained."""

from __future__ import annotations

import os
from pathlib import Path

_BOX = "or wrap what runs it: visioncam.blackbox(function)"
_PASS = f"pass the Keras or PyTorch model it was converted from, {_BOX}"
_BUILD = "--model package.module:function"
_JAX = "build the network, restore them, and wrap it: visioncam.blackbox(lambda x: model.apply(arrays, x))"
_ORBAX = f"is an Orbax (JAX) checkpoint, arrays without a model; {_JAX}"
_PICKLE = (
    "is a pickle, which can run code and is not read; load it in Python and pass the model, save it with "
    "model.save('name.keras'), or wrap its predictions: visioncam.blackbox(model.predict_proba)"
)
_TENSORFLOW = (
    "is a TensorFlow checkpoint, weights without a model; build the model in Python, "
    "tf.train.Checkpoint(model=model).restore(path), and save it with model.save('name.keras')"
)
_TENSORRT = f"is a TensorRT engine, compiled for one GPU; pass the model it was built from, {_BOX}"
FILES = {
    ".onnx": "is an ONNX model without its suffix; call it name.onnx",
    ".tflite": "is a TFLite model without its suffix; call it name.tflite",
    ".mlmodel": f"is a Core ML model, whose layers are not read; {_PASS}",
    ".pb": "is a frozen TensorFlow graph, whose layers are not read; pass the folder of the SavedModel, "
    f"and --trust-savedmodel if you trust its author, {_BOX}",
    ".ckpt": "is a checkpoint, weights without a model; of PyTorch Lightning, name a function that returns "
    f"YourModule.load_from_checkpoint(path): {_BUILD}; of TensorFlow, restore it in Python and save it with "
    "model.save('name.keras')",
    ".index": _TENSORFLOW,
    ".pkl": _PICKLE,
    ".pickle": _PICKLE,
    ".joblib": _PICKLE,
    ".gguf": "is a language model for llama.cpp (GGUF), and VisionCam explains models of pictures",
    ".engine": _TENSORRT,
    ".plan": _TENSORRT,
    ".caffemodel": f"is a Caffe model; convert it to Keras or PyTorch, {_BOX} (cv2.dnn.readNetFromCaffe)",
    ".bin": f"holds weights but no model; in a Hugging Face folder, pass hf:FOLDER; else {_BUILD} "
    "--weights FILE, a .pth or .safetensors",
    ".msgpack": f"holds Flax (JAX) arrays without a model; {_JAX}",
}
"""Suffix -> what such a file is, and what to do."""
FOLDERS = (
    (("Manifest.json", "Data"), FILES[".mlmodel"]),
    (("config.json", "metadata.json"), "is a KerasHub preset; in Python, pass the model that "
     "keras_hub.models.ImageClassifier.from_preset(FOLDER) returns, or save it: model.save('name.keras')"),
    (("config.json",), "is a Hugging Face folder; name it hf:FOLDER"),
    (("_METADATA",), _ORBAX),
    (("_CHECKPOINT_METADATA",), _ORBAX),
    (("manifest.ocdbt",), _ORBAX),
    (("checkpoint",), _TENSORFLOW),
)  # fmt: skip
"""What lies in a folder -> what it is, and what to do."""


def told_of(path: str | os.PathLike[str], start: bytes = b"") -> str:
    """Return what a file or folder of another format is, and what to do; "" where that is not known.

    Args:
        path: to it; TensorFlow calls a checkpoint by a name that no file has.
        start: its first bytes, as far as they are known.
    """
    path = Path(os.fsdecode(path))
    if path.is_dir():
        return next((says for held, says in FOLDERS if all((path / one).exists() for one in held)), "")
    if Path(f"{path}.index").is_file():
        return _TENSORFLOW
    by_content = (
        ".tflite" if start[4:8] == b"TFL3" else ".gguf" if start[:4] == b"GGUF" else path.suffix.lower()
    )
    if start[:1] == b"\x80" and start[1:2] in b"\x02\x03\x04\x05" and by_content != ".ckpt":
        by_content = ".pkl"
    if by_content not in FILES and start[:1] == b"\x08" and start[2:3] == b"\x12":
        by_content = ".onnx"
    return FILES.get(by_content, "")
