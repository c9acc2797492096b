"""A file or a server as a model: which input the picture, which output the classes, what pixels are."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import attrs
import numpy as np

from visioncam_core.engine.graph.probable import RANGES
from visioncam_core.engine.model_card import ModelCard, set_model_card
from visioncam_core.engine.model_inputs import ModelInput, ModelInputs
from visioncam_core.engine.records import Hints
from visioncam_core.errors import ModelError
from visioncam_core.images.cards import card_from
from visioncam_core.text import error_text
from visioncam_engines.called import Calls, in_range
from visioncam_engines.runtimes import METADATA
from visioncam_engines.runtimes.ports import Port

BATCH = 32
CHANNELS = (1, 3, 4)


@attrs.frozen(eq=False)
class ClosedModel:
    """A model that runs and does not show what it computes.

    Attributes:
        calls: calls it.
        inputs: what it says of its inputs.
        hints: what it says of its pictures.
        file: what runs it: an `OnnxFile`, a `TfliteFile` or a `Server`.
    """

    calls: Calls
    inputs: ModelInputs
    hints: Hints
    file: Any = attrs.field(repr=False)
    names: ClassVar[None] = None
    kind: ClassVar[str]


class OnnxModel(ClosedModel):
    """An ONNX file."""

    kind = "onnx"


class TfliteModel(ClosedModel):
    """A TFLite file."""

    kind = "tflite"


class ServedModel(ClosedModel):
    """What a server runs."""

    kind = "served"


CLASSES: dict[str, type[ClosedModel]] = {one.kind: one for one in (OnnxModel, TfliteModel, ServedModel)}


@attrs.frozen(eq=False)
class Run:
    """Runs a file on pictures, for one output."""

    file: Any
    image: Port
    output: int

    def __call__(self, pictures: np.ndarray) -> np.ndarray:
        """Return (N, K) for (N, ...); a file of fixed batches gets the last picture again to fill them."""
        given, size = self.image.stored(pictures), self.image.shape[0]
        if size is not None:
            given = np.concatenate([given, np.repeat(given[-1:], size - len(given), axis=0)])
        port: Port = self.file.outputs[self.output]
        found = port.meant(np.asarray(self.file([given])[self.output]))
        return found.reshape(len(found), -1)[: len(pictures)] if found.ndim > 1 else found


def closed(file: Any, kind: str, title: str, what: str, batch: int = BATCH) -> ClosedModel:
    """Return what runs a model, as a model.

    Args:
        file: the file, opened.
        kind: "onnx", "tflite" or "served".
        title: its name.
        what: what messages call it, such as "ONNX file".
        batch: pictures in one call, where the file does not say.

    Raises:
        ModelError: it takes something else than one picture, or gives no classes; its card is damaged.
    """
    image = file.inputs[0] if len(file.inputs) == 1 else None
    if image is None or len(image.shape) not in (4, 5) or image.kind not in tuple("fiu"):
        takes = ", ".join(f"{one.name!r} {_told(one)}" for one in file.inputs[:4]) or "nothing"
        raise ModelError(
            f"{title}: takes {takes}, and one picture (N, height, width, channels) is expected; call it in a "
            "function of pictures: visioncam.blackbox(function)"
        )
    fitting = [i for i, one in enumerate(file.outputs) if _has_classes(one)]
    if not fitting:
        gives = ", ".join(f"{one.name!r} {_told(one)}" for one in file.outputs[:4])
        raise ModelError(
            f"{title}: gives {gives}, and scores of classes (N, K) are expected; make them of its outputs in "
            "a function of pictures: visioncam.blackbox(function)"
        )
    first = _channels_first(image.shape, kind == "onnx")
    values, why = _values(image, what)
    known = Hints(title, what, 0, in_range(*values), why) if values else Hints(title, what, why=why)
    one_by_one = file.outputs[fitting[0]].shape[:1] == (1,)
    size = image.shape[0] or (1 if one_by_one else None)
    calls = Calls(
        Run(file, image, fitting[0]), title, None if _plain(image) else values or (0.0, 1.0), size or batch,
        f"the {what}", () if values else RANGES,
    )  # fmt: skip
    inputs = ModelInputs((ModelInput(image.name, image.shape[1:], "float32"),), 0, 0, first)
    model = CLASSES[kind](calls, inputs, known, file)
    if METADATA in file.metadata:
        set_model_card(model, _card(file.metadata[METADATA], title))
    return model


def _card(text: str, title: str) -> ModelCard:
    try:
        return card_from(json.loads(text))
    except Exception as error:  # the file may be anybody's
        raise ModelError(
            f"{title}: its card, the metadata {METADATA!r}, cannot be read ({error_text(error)}); export the "
            "model again, or remove that entry"
        ) from error


def _has_classes(port: Port) -> bool:
    """Return whether an output is (N, K), or (N, K, 1, 1); one that tells no shape may be."""
    if port.shape and (len(port.shape) < 2 or sum(n != 1 for n in port.shape[1:]) > 1):
        return False
    return port.kind == "f" or bool(port.scale)


def _channels_first(shape: tuple[int | None, ...], usual: bool) -> bool:
    first, last = shape[1] in CHANNELS, shape[-1] in CHANNELS
    return first if first != last else usual


def _plain(port: Port) -> bool:
    return port.dtype == "uint8" and not port.scale


def _values(port: Port, what: str) -> tuple[tuple[float, float] | None, str]:
    """Return what black and white are, and where that is known from; None where the file does not say."""
    if _plain(port):
        return (0.0, 255.0), f"the {what} takes uint8, 0 to 255"
    if port.scale and port.dtype in ("uint8", "int8"):
        bounds = np.iinfo(port.dtype)
        low, high = ((end - port.zero) * port.scale for end in (bounds.min, bounds.max))
        return (low, high), f"the {what} takes {port.dtype}, whose ends stand for {low:.4g} and {high:.4g}"
    return None, f"the {what} does not say how its pictures are preprocessed"


def _told(port: Port) -> str:
    return f"({', '.join('?' if n is None else str(n) for n in port.shape)})"
