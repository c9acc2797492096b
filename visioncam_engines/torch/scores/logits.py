"""The score of a model on tape: logits and probabilities of the explained output."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs
import numpy as np

from visioncam_core.engine.graph import ends
from visioncam_core.engine.graph.ends import End
from visioncam_core.engine.graph.probable import RANGES, Logits, logits_of, score_kind, signed, tried_logits
from visioncam_engines.torch.noise import Noise
from visioncam_engines.torch.score import TapeScore
from visioncam_engines.torch.scores.ends import Finder, unscaled
from visioncam_engines.torch.scores.readings import Before, Marks, Probabilities
from visioncam_engines.torch.space.walk import plain
from visioncam_engines.torch.tape.model_trace import Trace

_PRODUCTS = {
    *(
        "matmul",
        "mm",
        "bmm",
        "addmm",
        "baddbmm",
        "linear",
        "einsum",
        "conv1d",
        "conv2d",
        "conv3d",
        "bilinear",
    ),
    *("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"),
}
_PASSED = {
    *("clone", "contiguous", "detach", "to", "float", "half", "double", "alias", "batch_norm", "neg"),
    *("type", "avg_pool1d", "avg_pool2d", "avg_pool3d", "adaptive_avg_pool1d", "adaptive_avg_pool2d"),
    *("interpolate", "adaptive_avg_pool3d", "reshape", "view", "flatten", "unflatten", "squeeze"),
    *("unsqueeze", "permute"),
    *(
        "transpose",
        "swapaxes",
        "movedim",
        "__getitem__",
        "chunk",
        "split",
        "unbind",
        "narrow",
        "select",
        "cat",
    ),
    *("stack", "mean", "sum", "add", "sub", "rsub", "index_select", "hstack", "upsample", "type_as"),
    *("flip",),
}


@attrs.frozen(eq=False)
class Made:
    """Something that is put together from values of a tape.

    Attributes:
        values: which.
        read: (value -> tensor) -> the thing.
    """

    values: tuple[int, ...]
    read: Callable[[Mapping[int, Any]], Any]


def score_of(noise: Noise, output: str, wanted: str, channels_first: bool = False) -> TapeScore:
    """Return the score values of one output.

    Args:
        noise: the traced model, to be asked.
        output: name of the output.
        wanted: "logit" or "probability".
        channels_first: the output is (N, classes, *space); it is moved to (N, *space, classes).
    """
    trace = noise.trace
    own = trace.outputs[output]
    found = trace.once(("logits", output, channels_first), lambda: find_logits(noise, own, channels_first))
    kind, assumed = score_kind(found, wanted)
    tensor, answer, log = found.tensor, found.answer, found.activation == "log_softmax"
    parts = (tensor, answer) if wanted == "logit" else (answer,)
    fetches = tuple(dict.fromkeys((*(one for part in parts for one in part.values), own)))
    shape = _open(trace, own, channels_first)
    varies = _varies(trace, own)
    single = varies or len(shape) == 1 or shape[-1] == 1

    def read(values: list[Any]) -> tuple[Any, Any]:
        held = dict(zip(fetches, values, strict=True))
        given = answer.read(held).float()
        if wanted == "logit":
            return tensor.read(held).float(), given
        if assumed:
            return (given.sigmoid() if single else given.softmax(-1)), given
        return (given.exp() if log else given), given

    leaves = found.leaves if wanted == "logit" else ()
    return TapeScore(
        output, kind, shape, shape, found.activation, assumed, found.own, found.groups, found.complete,
        found.by_answer, found.composed, fetches, read, leaves, channels_first, varies=varies,
    )  # fmt: skip


def output_alone(score: TapeScore, own: int) -> TapeScore:
    """Return the score of an output whose logits cannot be reached: the output itself.

    Args:
        score: as it was found.
        own: the value of the output.
    """
    first = score.channels_first

    def read(values: list[Any]) -> tuple[Any, Any]:
        given = _moved(values[0], first).float()
        return given, given

    kind = "output" if score.kind == "logit" else score.kind
    return attrs.evolve(score, kind=kind, fetches=(own,), read=read, leaves=())


def _varies(trace: Trace, own: int) -> bool:
    """Return whether an output has a value for each box that a detector finds in a picture."""
    if not trace.exact or "boxes" not in trace.outputs:
        return False
    boxes, shape = trace.shapes[trace.outputs["boxes"]], trace.shapes[own]
    return len(boxes) == 3 and len(shape) == 2 and shape == boxes[:2]


def _open(trace: Trace, value: int, channels_first: bool) -> tuple[int | None, ...]:
    shape = trace.shapes[value][1:]
    return (None, *shape[1:], shape[0]) if channels_first else (None, *shape)


def _moved(values: Any, channels_first: bool) -> Any:
    return values.movedim(1, -1) if channels_first else values


def find_logits(noise: Noise, output: int, channels_first: bool) -> Logits:
    """Return what is known of an output's probabilities."""
    trace = noise.trace
    whole = _as_it_is(output, channels_first)
    end = Finder(trace).end(output)
    if end is not None and channels_first:
        end = ends.after(end, lambda x, r: x.movedim(1, -1))
    found = None if end is None or signed(end) else _of_end(trace, output, end, channels_first)
    if found is not None:
        return found
    if signed(end) or _comes_of_weights(trace, output):
        return Logits(whole, whole)
    inner, factor = unscaled(trace, output)
    of_noise = _tried(noise)
    return tried_logits(whole, _as_it_is(inner, channels_first), factor, of_noise)


def _as_it_is(value: int, channels_first: bool) -> Made:
    return Made((value,), lambda held: _moved(held[value], channels_first))


def _of_end(trace: Trace, output: int, end: End, channels_first: bool) -> Logits | None:
    reading = Marks(trace)
    marks = end.again(reading).numpy()
    row = marks.reshape(-1, marks.shape[-1])[0]
    if not end.traits & {"moved", "cut"} and len({*row[~np.isnan(row)]}) > 1:
        return None  # a softmax over something else than classes
    made = tuple(trace.nodes[number].results[0] for number in reading.met)

    def logits(one: End) -> Made:
        return Made(tuple(one.leaves), lambda held: one.again(Before(trace, held)))

    def probabilities(one: End) -> Made:
        return Made(made, lambda held: one.again(Probabilities(trace, held)))

    return logits_of(
        end,
        _as_it_is(output, channels_first),
        _open(trace, output, channels_first),
        lambda _: (marks, reading.same),
        logits,
        probabilities,
        lambda leaf: len(trace.shapes[leaf]),
    )


def _tried(noise: Noise) -> Callable[[Made], Iterator[np.ndarray]]:
    """Return what runs a part of the model on noise of several ranges."""

    def answers(made: Made) -> Iterator[np.ndarray]:
        for number, (low, high) in enumerate(RANGES):
            try:
                values = noise.values(noise.picture(low, high, number), list(made.values))
            except Exception:  # it does not take such values
                continue
            found = made.read(dict(zip(made.values, values, strict=True))).detach().float().cpu().numpy()
            if np.isfinite(found).all():
                yield found

    return answers


def _comes_of_weights(trace: Trace, output: int) -> bool:
    """Return whether the output is a product of weights, up to sums and shifts: then it has no bounds."""
    waiting, seen = [output], set()
    while waiting:
        value = waiting.pop()
        number = trace.producer.get(value)
        if value in seen or number is None:
            continue
        seen.add(value)
        node = trace.nodes[number]
        name = plain(node.name)
        moved = [one for one in dict.fromkeys(node.refs) if one in trace.moving]
        if name in _PRODUCTS and len(moved) == 1:
            end = Finder(trace).end(moved[0])  # classes summed to wider ones are probabilities still
            if end is None or end.kinds != {"softmax"}:
                return True
        elif name in _PASSED or (name in ("mul", "div", "truediv", "multiply") and len(moved) == 1):
            waiting.extend(moved)
    return False
