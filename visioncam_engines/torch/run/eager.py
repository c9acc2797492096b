"""The second way in, for models that cannot be put on tape: a copy is run as it is, every time.

The head runs without gradients; the hook at the layer turns them on and hands on a leaf, so that only the
tail is differentiated.  A changed layer is handed on in the same way; the head runs again with it, since
what the Python of such a model does may depend on the values.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
import torch

from visioncam_core.engine.batches import Budget
from visioncam_core.engine.layer_table import LayerChoice, LayerTable, Layout
from visioncam_core.engine.records import AttentionResult, Cotangent, Reading
from visioncam_core.errors import LayerError
from visioncam_engines.torch.calling import caller
from visioncam_engines.torch.noise import CalledNoise, Noise
from visioncam_engines.torch.recorder import ModuleRecorder, uncompiled
from visioncam_engines.torch.run.memory import repeated
from visioncam_engines.torch.run.mixing import Mixing
from visioncam_engines.torch.run.passes import Flat, TapePasses
from visioncam_engines.torch.score import TapeScore
from visioncam_engines.torch.scores.logits import output_alone
from visioncam_engines.torch.tape.draws import Draws
from visioncam_engines.torch.tape.mended import Mending
from visioncam_engines.torch.tape.model_trace import Trace, at_rest, named, outputs_of
from visioncam_engines.torch.tape.records import Node, Record, Ref, named_leaves, parts_of
from visioncam_engines.torch.tape.shadow import shadow
from visioncam_engines.torch.view import TapedModel, TapeView


def record_as_it_is(recorder: ModuleRecorder, example: Sequence[Any]) -> Trace:
    """Return a tape that is only read, of this picture alone; a chain of modules where there can be none."""
    try:
        return Trace.of(recorder, example, only_read=True)
    except Exception:
        return _chain(recorder, example)


class _Modules:
    """What takes the place of a tape where only the outputs of modules are known."""

    def __init__(self, inputs: Sequence[Any]) -> None:
        self.tensors: list[Any] = list(inputs)
        self.raw: list[tuple[str, str, str, int, bool]] = []

    def __enter__(self) -> _Modules:
        return self

    def __exit__(self, *error: object) -> None:
        return None

    def stands_for(self, copies: Any, originals: Any) -> None:
        """Take note of nothing."""

    def keep(self, path: str, kind: str, output: Any, holds: bool = False) -> None:
        for key, leaf in named_leaves(output):
            if isinstance(leaf, torch.Tensor) and leaf.is_floating_point():
                self.raw.append((path, kind, key, self.value_of(leaf), holds))

    def value_of(self, tensor: Any) -> int:
        for value, one in enumerate(self.tensors):
            if one is tensor:
                return value
        self.tensors.append(tensor)
        return len(self.tensors) - 1


def _chain(recorder: ModuleRecorder, example: Sequence[Any]) -> Trace:
    inputs = [x[:1].detach().clone() for x in example]
    seen: Any = _Modules(inputs)
    with at_rest():
        answer = recorder.run(inputs, seen)
    outputs = {name: seen.value_of(leaf) for name, leaf in outputs_of(answer)}
    nodes = [
        Node(None, "module", (Ref(value - 1),), {}, [value], [])
        for value in range(len(inputs), len(seen.tensors))
    ]
    trace = Trace(
        nodes,
        [tuple(one.shape) for one in seen.tensors],
        [one.dtype for one in seen.tensors],
        list(range(len(inputs))),
        outputs,
        named(seen.raw),
        set(range(len(seen.tensors))),
        None,
        "it is run as it is",
    )
    trace.producer = {value: value - len(inputs) for value in range(len(inputs), len(seen.tensors))}
    return trace


@attrs.frozen(eq=False)
class EagerModel(TapedModel):
    """A model that is run as it is; its tape is only read.

    Attributes:
        structure: how the model takes its inputs.
        replaced: what is read in the place of its weights, by their number.
    """

    structure: Any = 0
    replaced: Mapping[int, Any] = attrs.field(factory=dict)

    def answers(self, flat: list[Any]) -> list[Any]:
        step = 1 if self.trace.exact else len(flat[0])
        found = []
        for start in range(0, len(flat[0]), step):
            part = self.placing.placed([x[start : start + step] for x in flat])
            with at_rest():
                found.append([leaf for _, leaf in outputs_of(self.run(part))])
        return found[0] if len(found) == 1 else [torch.cat(column) for column in zip(*found, strict=True)]

    def with_weights(self, replaced: Mapping[int, Any]) -> EagerModel:
        return attrs.evolve(self, trace=self.trace.with_weights(replaced), replaced=replaced)

    def run(self, flat: list[Any], hooks: Mapping[str, Callable[[Any], Any]] | None = None) -> Any:
        """Return the answer on inputs, with the outputs of modules, by path, as their hooks hand them on."""
        model = self.model()
        if model is None:
            raise LayerError("the model was dropped while it was explained")
        twin = shadow(model, replaced=self.replaced)
        for path, module in twin.paths:
            hook = (hooks or {}).get(path.replace(".", "/"))
            if hook is not None:
                module.register_forward_hook(lambda module, args, output, hook=hook: hook(output))
        with uncompiled(), Mending(), Draws():
            return caller(self.structure)(twin.module, [x.clone() for x in flat])

    def asked(self, flat: list[Any]) -> Noise:
        given = Noise.like(self.trace, self.placing, flat).given
        return CalledNoise(self.trace, self.placing, given, self.run, self._layer)

    def _layer(self, score: TapeScore, record: Record, flat: list[Any]) -> tuple[Any, Any]:
        layout, budget = Layout("custom", (), 0), Budget()
        passes = EagerPasses(
            self.trace, score, record, layout, self.placing, None, budget, score.channels_first, self
        )
        _, _, leaf, values, _ = passes.begin(flat, True)
        return leaf, values

    def reached(self, score: TapeScore) -> TapeScore:
        """Return a score as it can be read: from the output alone where its logits cannot be reached."""
        known = {*self.trace.outputs.values(), *(one.value for one in self.trace.records)}
        if known.issuperset(score.fetches):
            return score
        return output_alone(score, self.trace.outputs[score.output])

    def made(self, score: TapeScore, table: LayerTable, image: int, channels_first: bool) -> TapeView:
        return EagerView(self.trace, score, table, self.placing, self.model, image, channels_first, self)


@attrs.frozen(eq=False)
class EagerView(TapeView):
    """A model that is run as it is, seen through one output.

    Attributes:
        runs: the model.
    """

    runs: Any = None

    def passes(
        self, choice: LayerChoice, reshape: Callable[[Any], Any] | None, budget: Budget
    ) -> EagerPasses:
        layout = choice.row.layout or Layout("custom", (), 0)
        record, first = self.record(choice.row), self.channels_first
        return EagerPasses(
            self.trace, self.score, record, layout, self.placing, reshape, budget, first, self.runs
        )


@attrs.frozen(eq=False)
class EagerPasses(TapePasses):
    """Passes through a model that is run as it is: its inputs are all that a tail needs besides.

    Attributes:
        model: the model.
    """

    model: Any = None

    def sides(self) -> list[int]:
        return self.trace.inputs

    def head(self, flat: Flat) -> tuple[Any, list[Any]]:
        at, *_ = self._through_layer(flat, None, False)
        return at, list(flat)

    def behind(self, at: Any, sides: list[Any]) -> tuple[Any, Any]:
        flat = [repeated(one, len(at)) for one in sides]
        return self._through_layer(flat, at, False)[2:]

    def whole(self, flat: Flat) -> tuple[Any, Any]:
        return self._through_layer(flat, None, False)[2:]

    def begin(self, part: Flat, gradients: bool) -> tuple[Any, list[Any], Any, Any, Any]:
        at, leaf, values, answer = self._through_layer(part, None, gradients)
        return at, list(part), leaf, values, answer

    def meeting(self) -> Mixing | None:
        return None

    def attention(
        self, flat: Flat, cotangent: Cotangent | None = None, reading: Reading = "score"
    ) -> AttentionResult:
        """Refuse: what happens inside a module is not seen."""
        raise LayerError(
            "the attention inside this model is not seen, because the model is run unchanged, module by "
            "module (the note run-as-it-is says why); choose a gradient method, such as GradCAM"
        )

    def _through_layer(self, flat: Flat, changed: Any, gradients: bool) -> tuple[Any, Any, Any, Any]:
        """Return the layer's output, the leaf put in its place, values and answer."""
        at, leaf = changed, changed
        found: dict[int, Any] = {}
        calls: Counter[str] = Counter()
        wanted = [one for one in self.trace.records if one.value in self.score.fetches]
        numbers = _numbers(self.trace.records)
        if whole := self.record.value in self.trace.inputs:  # the picture itself is the layer
            image = self.trace.inputs.index(self.record.value)
            at = flat[image] if changed is None else changed
            leaf = at.detach().clone().requires_grad_(gradients)
            flat = [leaf if i == image else x for i, x in enumerate(flat)]

        def hook(path: str) -> Callable[[Any], Any]:
            def take(output: Any) -> Any:
                nonlocal at, leaf
                number = calls[path]
                calls[path] += 1
                here = self.record
                if here.bare == path and numbers[here.path] == number:
                    if changed is None:
                        at = dict(named_leaves(output))[here.key].detach().clone()
                        leaf = at.clone().requires_grad_(gradients)
                    torch.set_grad_enabled(gradients)
                    if changed is not None or gradients:
                        output = with_leaf(output, here.key, leaf.clone())
                for one in wanted:
                    if one.bare == path and numbers[one.path] == number:
                        found[one.value] = dict(named_leaves(output))[one.key].clone()
                return output

            return take

        paths = {self.record.bare, *(one.bare for one in wanted)}
        with at_rest(whole and gradients):
            answer = self.model.run(flat, {path: hook(path) for path in paths})
            outputs = dict(outputs_of(answer))
            with torch.set_grad_enabled(gradients):
                for name, value in self.trace.outputs.items():
                    found.setdefault(value, outputs[name])
                read = self.score.read([found[value] for value in self.score.fetches])
        if at is None:
            raise LayerError(f"layer {self.record.path!r} is not called for this picture; choose another")
        return at, leaf, *read


def _numbers(records: Sequence[Record]) -> dict[str, int]:
    """Return path -> number of the call of its module."""
    seen: Counter[tuple[str, str]] = Counter()
    numbers = {}
    for one in records:
        numbers[one.path] = seen[one.bare, one.key]
        seen[one.bare, one.key] += 1
    return numbers


def with_leaf(tree: Any, key: str, leaf: Any) -> Any:
    """Return what a module returned with another tensor at a key, such as "0" or "a/b"."""
    if not key:
        return leaf
    first, _, rest = key.partition("/")
    parts = [
        (name, with_leaf(part, rest, leaf) if name == first else part) for name, part in parts_of(tree) or ()
    ]
    if isinstance(tree, Mapping):
        names = {str(name): name for name in tree}
        made: Any = tree.copy() if hasattr(tree, "copy") else dict(tree)
        for name, part in parts:
            made[names[name]] = part
        return made
    if isinstance(tree, tuple | list):
        values = [part for _, part in parts]
        return type(tree)(*values) if hasattr(tree, "_fields") else type(tree)(values)
    replace = dataclasses.replace if dataclasses.is_dataclass(tree) else attrs.evolve
    return replace(tree, **dict(parts))
