"""TFLite files, run by TensorFlow's interpreter, or where TensorFlow is not installed by LiteRT's."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import attrs
import numpy as np

from visioncam_core.errors import BackendError, ModelError
from visioncam_core.images.files import quoted
from visioncam_core.plugins.engines import installed
from visioncam_core.text import error_text
from visioncam_engines.runtimes.ports import Facts, Port, contents, refused
from visioncam_engines.runtimes.tflite_check import read_checked

_PLACES = {"tensorflow": "tensorflow.lite.python", "ai_edge_litert": "ai_edge_litert"}


@attrs.frozen(eq=False)
class TfliteFile:
    """An opened file.

    Attributes:
        inputs: in the file's order.
        outputs: in the file's order.
        metadata: what the file says of itself, by key; binary ones left out.
        content: the file.
        interpreter: runs it; one call at a time.
    """

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    metadata: dict[str, str]
    content: bytes = attrs.field(repr=False)
    interpreter: Any = attrs.field(repr=False)
    _given: list[int] = attrs.field(repr=False)
    _gives: list[int] = attrs.field(repr=False)
    _shapes: list[tuple[int, ...]] = attrs.field(factory=list, repr=False)
    _lock: threading.Lock = attrs.field(factory=threading.Lock, repr=False)

    @classmethod
    def open(cls, path: str | os.PathLike[str], unsafe: bool = False) -> TfliteFile:
        """Open a file from anybody: it is read and checked before the interpreter sees it.

        Args:
            path: the file.
            unsafe: take it although it needs code of others, or could fill the memory.

        Raises:
            UnsafeModelError: it needs code of others, or could fill the memory.
            BackendError: there is no interpreter.
            ModelError: it cannot be read or run.
        """
        name = quoted(os.fsdecode(os.fspath(path)))
        content = contents(path, ".tflite")
        problems = facts_of(content, name).problems
        if problems and not unsafe:
            raise refused(name, problems)
        return cls.of(content, name)

    @classmethod
    def of(cls, content: bytes, name: str) -> TfliteFile:
        """Return a file, called `name`, that was checked or made by us."""
        make = _part("interpreter", name).Interpreter
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # TensorFlow's says that LiteRT's will replace it
                interpreter = make(model_content=content)
            interpreter.allocate_tensors()
            ends = interpreter.get_input_details(), interpreter.get_output_details()
            inputs, outputs = (tuple(map(_port, end)) for end in ends)
            if not _takes_two(interpreter, inputs):
                inputs = tuple(attrs.evolve(one, shape=(1, *one.shape[1:])) for one in inputs)
            interpreter.allocate_tensors()
        except Exception as error:  # RuntimeError and ValueError, as it was built; names that are no text
            raise ModelError(
                f"{name}: the TFLite interpreter cannot open it ({error_text(error)}); convert the model "
                "again, with built-in operations alone"
            ) from error
        given, gives = ([int(told["index"]) for told in end] for end in ends)
        return cls(inputs, outputs, facts_of(content, name).metadata, content, interpreter, given, gives)

    def __call__(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Return every output for an array for each input, of its dtype; one call at a time."""
        run = self.interpreter
        with self._lock:
            shapes = [array.shape for array in arrays]
            if self._shapes != shapes:
                for port, place, shape in zip(self.inputs, self._given, shapes, strict=True):
                    if None in port.shape:
                        run.resize_tensor_input(place, shape)
                run.allocate_tensors()
                self._shapes[:] = shapes
            for place, array in zip(self._given, arrays, strict=True):
                run.set_tensor(place, np.ascontiguousarray(array))
            run.invoke()
            return [np.array(run.get_tensor(place)) for place in self._gives]


def _takes_two(run: Any, inputs: tuple[Port, ...]) -> bool:
    """Return whether a file that leaves its number of pictures open takes two; it is set to one again."""
    told = run.get_input_details()
    if any(one.shape[:1] != (None,) or None in one.shape[1:] for one in inputs):
        return True  # it does not say so, or has other open axes
    try:
        for count in (2, 1):
            for one in told:
                run.resize_tensor_input(one["index"], (count, *one["shape"][1:]))
            run.allocate_tensors()
    except (RuntimeError, ValueError):
        for one in told:
            run.resize_tensor_input(one["index"], one["shape"])
        return False
    return True


def _port(told: dict[str, Any]) -> Port:
    signature = told["shape_signature"] if len(told["shape_signature"]) else told["shape"]
    scale, zero = told["quantization"]
    dtype = np.dtype(told["dtype"])
    shape = tuple(int(n) if n >= 0 else None for n in signature)
    return Port(str(told["name"]), shape, dtype.name, float(scale) if dtype.kind in "iu" else 0.0, int(zero))


def facts_of(content: bytes, name: str) -> Facts:
    """Return what a file, called `name`, holds."""
    return read_checked(content, name, _part("schema_py_generated", name))


def runs_in() -> str:
    """Return the package whose interpreter is used, "" where there is none."""
    return next((package for package in _PLACES if installed(package)), "")


def _part(name: str, file: str) -> Any:
    """Return a module of the interpreter's package."""
    try:
        return import_module(f"{_PLACES[runs_in()]}.{name}")
    except (KeyError, ImportError) as error:
        why = f" ({error})" if isinstance(error, ImportError) else ""
        raise BackendError(
            f"{file} needs an interpreter of TFLite{why}: pip install tensorflow, or ai-edge-litert"
        ) from error
