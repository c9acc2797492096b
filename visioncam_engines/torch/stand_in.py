"""Simple scores and layer tables, until `logits.py` and `table.py` are here."""

from __future__ import annotations

from typing import Any

import torch

from visioncam_core.engine.layer_table import LayerRow, LayerTable, Layout, even
from visioncam_engines.torch.score import TapeScore
from visioncam_engines.torch.tape.trace import Trace

_ENDS = ("softmax", "log_softmax", "sigmoid")


def score_of(trace: Trace, output: str, wanted: str, channels_first: bool = False) -> TapeScore:
    """Return the score of one output; channels first: its classes are axis 1."""
    answer = trace.outputs[output]
    number = trace.producer.get(answer)
    node = None if number is None else trace.nodes[number]
    logits, activation = answer, ""
    if node is not None and node.name in _ENDS:
        logits, activation = node.refs[0], node.name
    shape = list(trace.shapes[answer])
    if channels_first:
        shape = [shape[0], *shape[2:], shape[1]]

    def last(x: Any) -> Any:
        return (x.movedim(1, -1) if channels_first else x).float()

    assumed = False
    fetches: tuple[int, ...]
    if wanted == "logit":
        kind, fetches = "logit" if activation else "output", (logits, answer)
        read = lambda found: (last(found[0]), last(found[1]))  # noqa: E731
    elif activation:
        kind, fetches = "probability", (answer,)
        power = torch.exp if activation == "log_softmax" else lambda x: x
        read = lambda found: (power(last(found[0])), last(found[0]))  # noqa: E731
    else:
        kind, fetches, assumed = "probability", (answer,), True
        act = torch.sigmoid if shape[-1] == 1 else lambda x: x.softmax(-1)
        read = lambda found: (act(last(found[0])), last(found[0]))  # noqa: E731
    open_shape = (None, *shape[1:])
    return TapeScore(
        output,
        kind,
        open_shape,
        open_shape,
        activation,
        assumed,
        fetches=fetches,
        read=read,
        leaves=(logits,),
    )


def build_table(
    trace: Trace,
    score: TapeScore,
    image: int,
    size: tuple[int, ...],
    channels_first: bool,
    name: str,
    units: Any,
) -> LayerTable:
    reached = trace.ancestors(score.fetches)
    behind = trace.descendants([image])
    answers = set(score.fetches)
    rows: list[LayerRow] = []
    first: dict[int, str] = {}
    position = 0
    for record in trace.records:
        shape = trace.shapes[record.value]
        good = len(shape) > 0 and shape[0] == 1 and (bool(trace.exact) or trace.batch_first(record.value))
        layout = _layout(shape[1:], size) if good else None
        refused = "" if layout and record.value in behind else "no space"
        copy = first.get(record.value, "") if record.holds else ""
        first.setdefault(record.value, record.path)
        rows.append(
            LayerRow(
                record.path, record.bare, record.kind, tuple(shape[1:]), layout,
                tuple(a / b for a, b in zip(size, layout.grid, strict=True)) if layout else (),
                (image,) if record.value in behind else (),
                trace.producer.get(record.value) in reached, record.value in answers, refused,
                None if refused else position, copy_of=copy,
            )
        )  # fmt: skip
        position += not refused
    dense = len(score.shape) == len(size) + 2
    return LayerTable(tuple(rows), size, image, dense, score.output, units, model_name=name)


def _layout(shape: tuple[int, ...], size: tuple[int, ...]) -> Layout | None:
    if len(shape) == len(size) + 1:
        for one in (Layout("channels_first", shape[1:], shape[0]), Layout("grid", shape[:-1], shape[-1])):
            if all(n > 0 for n in one.grid) and even(
                tuple(a / b for a, b in zip(size, one.grid, strict=True))
            ):
                return one
    if len(shape) == 2 and len(size) == 2:
        side = int(shape[0] ** 0.5)
        if side > 1 and shape[0] - side**2 < 3:
            return Layout("tokens", (side, side), shape[1], shape[0] - side**2)
    return None
