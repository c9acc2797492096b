"""The table of a model on tape: every module's output, and what can be explained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from visioncam_core.engine.graph.placing import going_on
from visioncam_core.engine.graph.rows import Output, rows_of
from visioncam_core.engine.layer_table import LayerTable
from visioncam_core.engine.model_inputs import ModelInputs
from visioncam_engines.torch.feeding import COPIES, SHAPES, Feeding, identities
from visioncam_engines.torch.noise import Noise
from visioncam_engines.torch.score import TapeScore
from visioncam_engines.torch.space import ask
from visioncam_engines.torch.space.mixing import SUMMED
from visioncam_engines.torch.space.places import Places
from visioncam_engines.torch.space.walk import plain
from visioncam_engines.torch.tape.model_trace import Trace
from visioncam_engines.torch.tape.records import Ref

JOINS = frozenset({"cat", "concat", "concatenate", "stack", "hstack", "vstack"})


def build_table(
    noise: Noise,
    score: TapeScore,
    inputs: ModelInputs,
    title: str,
    units: Callable[[], dict[str, Any]],
) -> LayerTable:
    """Build the layer table for one explained output.

    Args:
        noise: the traced model, to be asked what its tape does not tell.
        score: the explained score.
        inputs: what the model says of its inputs.
        title: the model's name.
        units: gives path -> module, while the model lives.
    """
    trace, image, first = noise.trace, inputs.image, inputs.channels_first
    places = places_of(trace, inputs)
    alike = places.images
    spaces = {i: places.space(i) for i in alike}
    output = trace.outputs[score.output]
    needed = {one for number in trace.ancestors(score.fetches) for one in trace.nodes[number].results}
    needed |= {one for number in trace.ancestors(score.fetches) for one in trace.inputs_of(number)}
    sloped = _with_gradient(trace, score.fetches)
    answers = set().union(*(_parts_of(trace, one) for one in (output, *score.leaves)))
    from_inputs = [trace.descendants([value]) for value in trace.inputs]
    dense = len(score.shape) == len(spaces[image]) + 2 and any(n is None or n > 1 for n in score.shape[1:-1])
    kept = _going_on(trace, output, places.walks[image]) if dense else None
    feeds = Feeding.of(trace)
    outputs = []
    for record in trace.records:
        value = record.value
        same = identities(trace, value, COPIES)
        whole = tuple(trace.shapes[value])
        single = len(whole) > 0 and whole[0] == 1 and (bool(trace.exact) or trace.batch_first(value))
        outputs.append(
            Output(
                path=record.path,
                bare=record.bare,
                kind=record.kind,
                shape=whole[1:] if single else None,
                key=value,
                same=same,
                moved=[one for one in identities(trace, value, COPIES | SHAPES) if one not in same],
                inputs=tuple(i for i, values in enumerate(from_inputs) if value in values),
                walked={i: walk.get(value) for i, walk in places.walks.items()},
                channels_first=_channels_first(trace, value, first),
                holds=record.holds or bool(record.key),  # a backbone's dictionary of what its modules made
                reaches_score=value in needed,
                is_score=value in answers,
                ends=kept is not None and value not in kept,
                feeds=feeds(value),
                stops=value not in sloped,
                projects=record.kind != "Reshape" and _projects(trace, value),
            )
        )
    return LayerTable(
        rows=rows_of(outputs, trace.inputs, image, spaces),
        image_shape=spaces[image],
        image=image,
        dense=dense,
        output=score.output,
        units=units,
        token_support=ask.token_support(noise, score),
        around=ask.around(noise, score),
        refusal=ask.refusal(noise, image, first),
        placement=places.placement,
        model_name=title,
    )


def places_of(trace: Trace, inputs: ModelInputs) -> Places:
    """Return where positions lie, walked once for each trace."""
    image = inputs.image
    rank = len(trace.shapes[trace.inputs[image]])
    alike = tuple(
        i
        for i, value in enumerate(trace.inputs)
        if i == image or (len(trace.shapes[value]) == rank and trace.dtypes[value].is_floating_point)
    )
    first = inputs.channels_first
    return trace.once(("places", image, first), lambda: Places(trace, image, alike, first))


def classes_first(trace: Trace, inputs: ModelInputs, value: int) -> bool:
    """Return whether an output has its classes in front of its positions: (N, classes, *space)."""
    if len(trace.shapes[value]) != len(trace.shapes[trace.inputs[inputs.image]]):
        return False
    space = places_of(trace, inputs).walks[inputs.image].get(value)
    if space is None or space.axes[1].placed == space.axes[-1].placed:
        return inputs.channels_first
    return space.axes[-1].placed


def _with_gradient(trace: Trace, fetches: Sequence[int]) -> set[int]:
    """Return the values that a score's gradient can come to: not through whole numbers or `detach`."""
    found: set[int] = set()
    waiting = list(fetches)
    while waiting:
        value = waiting.pop()
        if value in found or not (trace.dtypes[value].is_floating_point or trace.dtypes[value].is_complex):
            continue
        found.add(value)
        number = trace.producer.get(value)
        if number is not None and not (trace.nodes[number].still or trace.nodes[number].name == "detach"):
            waiting.extend(trace.inputs_of(number))
    return found


def _parts_of(trace: Trace, score: int) -> set[int]:
    """Return the values that the score is, in another shape, or put together from."""
    found: set[int] = set()
    waiting = [score]
    while waiting:
        value = waiting.pop()
        number = trace.producer.get(value)
        if value in found:
            continue
        found.add(value)
        if number is not None and plain(trace.nodes[number].name) in COPIES | SHAPES | JOINS:
            waiting.extend(trace.nodes[number].refs)
    return found


def _going_on(trace: Trace, output: int, spaces: dict[int, Any]) -> set[int]:
    def inputs_of(value: int) -> list[int]:
        number = trace.producer.get(value)
        return [] if number is None else trace.inputs_of(number)

    def sums(value: int) -> bool:
        number = trace.producer.get(value)
        return number is not None and plain(trace.nodes[number].name) in SUMMED

    return going_on(output, spaces, inputs_of, sums)


def _channels_first(trace: Trace, value: int, otherwise: bool) -> bool:
    """Return whether what made a value has the channels first: a convolution, or a layer on the last axis."""
    while (number := trace.producer.get(value)) is not None:
        node = trace.nodes[number]
        name = plain(node.name)
        if name in ("layer_norm", "linear"):
            return False
        if name.startswith(("conv", "batch_norm", "max_pool", "avg_pool", "adaptive", "interpolate")):
            return True
        if not node.refs or name in SHAPES:
            break
        value = node.refs[0]
    return otherwise


def _projects(trace: Trace, value: int) -> bool:
    """Whether a module cuts the picture itself into patches: a convolution with stride = kernel > 1."""
    number = trace.producer.get(value)
    node = None if number is None else trace.nodes[number]
    while node is not None and plain(node.name) in COPIES | SHAPES | {"add"} and node.args:
        moving = [one for one in node.refs if one in trace.moving]  # a bias of Keras is added apart
        number = trace.producer.get(moving[0]) if len(moving) == 1 else None
        node = None if number is None else trace.nodes[number]
    if node is None or node.name not in ("conv2d", "conv3d") or not isinstance(node.args[0], Ref):
        return False
    weight = node.args[1]
    shape = trace.shapes[weight.index] if isinstance(weight, Ref) else tuple(weight.shape)
    pace = node.args[3] if len(node.args) > 3 else node.kwargs.get("stride", 1)
    step = pace[-1] if isinstance(pace, tuple | list) else pace
    if not shape[-1] == step > 1:
        return False
    ahead = trace.ancestors([node.args[0].index])
    return not any(trace.nodes[one].name.startswith("conv") for one in ahead)
