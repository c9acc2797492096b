"""One record of what a file of ONNX or TFLite holds, and what speaks against opening it; it is not run."""

from __future__ import annotations

import os
from typing import Any

import attrs

from visioncam_core.images.files import quoted
from visioncam_core.results.provenance import source_digest
from visioncam_engines.runtimes.onnx_check import read_checked
from visioncam_engines.runtimes.ports import Facts, contents
from visioncam_engines.runtimes.tflite import facts_of


@attrs.frozen
class Holdings:
    """What a file says of itself."""

    kind: str
    size: int  # bytes of the file
    sha256: str
    facts: Facts

    @property
    def problems(self) -> list[str]:
        """What speaks against opening it."""
        return self.facts.problems

    def record(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {
            **{name: getattr(self, name) for name in ("kind", "size", "sha256")},
            "tensors": [{"is": side, **attrs.asdict(port)} for side, port in self.facts.ports],
            "metadata": self.facts.metadata,
            "problems": list(self.problems),
        }

    def lines(self) -> list[str]:
        """Return it in sentences; the first goes on after the file's name."""
        told = f"; metadata: {', '.join(sorted(self.facts.metadata))}" if self.facts.metadata else ""
        return [f"{self.kind}, {self.size:,} bytes{told}", f"sha256 {self.sha256}"]

    def table(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        """Return the head and the rows of its inputs and outputs."""
        return ("", "name", "shape", "dtype"), [
            (side, port.name, " x ".join("?" if n is None else str(n) for n in port.shape), port.dtype)
            for side, port in self.facts.ports
        ]


def inspect_file(path: str | os.PathLike[str], kind: str) -> Holdings:
    """Read what a file holds.

    Raises:
        ModelError: it cannot be read, or is something else.
        BackendError: what reads it is not installed.
    """
    name = quoted(os.fsdecode(os.fspath(path)))
    content = contents(path, f".{kind}")
    facts = (read_checked if kind == "onnx" else facts_of)(content, name)
    title = {"onnx": "an ONNX model", "tflite": "a TFLite model"}[kind]
    return Holdings(title, len(content), source_digest(content), facts)
