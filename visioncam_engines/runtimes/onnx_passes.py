"""The engine of ONNX files: their scores, and the feature maps at which a file can be cut in two."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from visioncam_core.engine.graph.probable import Logits
from visioncam_core.engine.layer_table import LayerChoice
from visioncam_core.engine.model_inputs import ModelInputs
from visioncam_engines.called import BoxPasses, Calls, TracedBox
from visioncam_engines.runtimes.closed import Run
from visioncam_engines.runtimes.engine import FileEngine
from visioncam_engines.runtimes.onnx import OnnxFile
from visioncam_engines.runtimes.onnx_layers import Parts, parts_of
from visioncam_engines.runtimes.ports import Port


class OnnxEngine(FileEngine):
    """Runs ONNX files."""

    def trace(self, model: Any, inputs: ModelInputs, flat: list[Any]) -> TracedOnnx:
        """Return the file with its feature maps."""
        box = super().trace(model, inputs, flat)
        run: Run = model.calls.function
        title, output = model.hints.title, run.file.outputs[run.output].name
        parts = parts_of(run.file.content, title, output, inputs.channels_first)
        fields = {field.name: getattr(box, field.name) for field in attrs.fields(TracedBox)}
        fields |= {"rows": parts.rows, "none": parts.why}
        if parts.activation:
            to_logits = attrs.evolve(run, file=OnnxFile.of(parts.up_to(parts.output), title), output=0)
            fields["calls"] = attrs.evolve(model.calls, function=to_logits)
            fields["found"] = Logits(output, output, parts.activation, complete=parts.activation == "softmax")
        return TracedOnnx(**fields, parts=parts)


@attrs.frozen(eq=False, kw_only=True)
class TracedOnnx(TracedBox):
    """A file that was run once, and its feature maps."""

    parts: Parts
    _cut: dict[str, tuple[Calls, Calls]] = attrs.field(factory=dict)

    def passes(self, choice: LayerChoice, plain: BoxPasses) -> BoxPasses:
        """Return the passes at a layer, or at the picture."""
        path = choice.path
        if path not in self.parts.values:
            return plain
        if path not in self._cut:
            run: Any = self.calls.function
            name = f"{self.calls.title} at {path}"
            up_to, behind = (OnnxFile.of(one, name) for one in self.parts.cut(path))
            layer = Port(path, run.image.shape[:1], "float32")
            head = attrs.evolve(self.calls, function=attrs.evolve(run, file=up_to, output=0))
            tail = attrs.evolve(self.calls, function=Run(behind, layer, 0), values=(0.0, 1.0))
            self._cut[path] = head, tail
        head, tail = self._cut[path]
        return LayerPasses(
            plain.score, plain.reshape, plain.budget, plain.channels_first, self, head, tail, choice.shape
        )


@attrs.frozen(eq=False)
class LayerPasses(BoxPasses):
    """Passes at a feature map (K, *grid)."""

    head: Calls
    tail_calls: Calls
    shape: tuple[int, ...]

    def observe(self, flat: list[Any]) -> tuple[Any, Any, Any]:
        """Return (activations, values, answer)."""
        found = self.head(flat[0]).reshape(-1, *self.shape)
        scored = self.scored(self.tail_calls(found, self.box.count))
        return (found if self.reshape is not None else np.moveaxis(found, 1, -1), *scored)

    def tail_of(self, single: list[Any], activations: Any) -> tuple[Any, Any]:
        """Return (values, answer) of activations."""
        return self.scored(self.tail_calls(np.moveaxis(activations, -1, 1), self.box.count))
