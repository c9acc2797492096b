"""ONNX files, run by ONNX Runtime on the CPU."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np

from visioncam_core.errors import ModelError
from visioncam_core.images.files import quoted
from visioncam_core.text import error_text
from visioncam_engines.runtimes.onnx_check import read_checked
from visioncam_engines.runtimes.ports import Port, contents, is_outside, needed, refused

_DTYPES = {"float": "float32", "double": "float64"}


@attrs.frozen(eq=False)
class OnnxFile:
    """An opened file.

    Attributes:
        inputs: in the file's order.
        outputs: in the file's order.
        metadata: what the file says of itself, by key.
        content: the file.
        session: of ONNX Runtime.
    """

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    metadata: dict[str, str]
    content: bytes = attrs.field(repr=False)
    session: Any = attrs.field(repr=False)

    @classmethod
    def open(cls, path: str | os.PathLike[str], unsafe: bool = False) -> OnnxFile:
        """Open a file from anybody: it is read and checked before ONNX Runtime sees it.

        Args:
            path: the file.
            unsafe: take it unchecked.

        Raises:
            UnsafeModelError: it reads other files, needs code of others, or could fill the memory.
            BackendError: ONNX Runtime or ONNX is not installed.
            ModelError: it cannot be read or run.
        """
        name = quoted(os.fsdecode(os.fspath(path)))
        content = contents(path, ".onnx")
        problems = read_checked(content, name).problems
        if problems and not (unsafe and not is_outside(problems)):
            raise refused(name, problems)
        return cls.of(content, name)

    @classmethod
    def of(cls, content: bytes, name: str) -> OnnxFile:
        """Return a file, called `name`, that was checked or made by us."""
        runtime = needed("onnxruntime", name)
        settings = runtime.SessionOptions()
        settings.log_severity_level = 4  # what goes wrong is raised as well
        try:
            session = runtime.InferenceSession(
                content, settings, providers=["CPUExecutionProvider"], enable_fallback=0
            )
        except Exception as error:  # it has a class of its own for each kind
            raise ModelError(
                f"{name}: ONNX Runtime {runtime.__version__} cannot open it ({error_text(error)}); export "
                "the model again, or install a newer onnxruntime"
            ) from error
        return cls(
            tuple(map(_port, session.get_inputs())),
            tuple(map(_port, session.get_outputs())),
            dict(session.get_modelmeta().custom_metadata_map),
            content,
            session,
        )

    def __call__(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Return every output for an array for each input, of its dtype."""
        given = {port.name: array for port, array in zip(self.inputs, arrays, strict=True)}
        found: list[np.ndarray] = self.session.run(None, given)
        return found


def _port(told: Any) -> Port:
    kind = str(told.type).removeprefix("tensor(").removesuffix(")")
    kind = _DTYPES.get(kind, kind)
    shape = tuple(n if isinstance(n, int) and n >= 0 else None for n in told.shape)
    return Port(str(told.name), shape, kind if re.fullmatch(r"(float|u?int)\d+|bool", kind) else "")
