"""A model on tape: its steps, what its modules returned, and functions cut from it."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Protocol

import attrs
import torch

from visioncam_core.engine.batches import COUNTERS
from visioncam_core.engine.records import Note
from visioncam_engines.torch.tape.records import Node, Record, named_leaves
from visioncam_engines.torch.tape.source import Cut, compiled
from visioncam_engines.torch.tape.tape import Tape, UntraceableError
from visioncam_engines.torch.tape.unify import unify

_TRACING = threading.RLock()


class Recorder(Protocol):
    """Calls a model once, and tells the tape what its modules return."""

    def run(self, inputs: list[Any], tape: Tape) -> Any:
        """Return what the model, at rest, answers on flat inputs, called once within `with tape:`.

        Each module's output goes to `tape.keep(path, kind, output, holds)`; the tensors that a copy of the
        model holds in the place of its own to `tape.stands_for`, before the call.
        """


@attrs.define(eq=False)
class Trace:
    """A model on tape, from which functions are cut.  It holds weights of the model, and no module of it.

    Attributes:
        nodes: the steps, in order.
        shapes, dtypes: of each value; shapes are those of one picture.
        inputs: the values of the flat inputs.
        outputs: name -> value, in the model's own order; what is explained by default first.
        records: every recorded output, in call order.
        moving: values that depend on the inputs.
        grown: for each value whether its first axis grows with the batch; None where `exact`.
        exact: why only batches of one can be run, or "".
        random: functions that draw random numbers.
        notes: what was given up: (code of the diagnostic, what it was).
        replaced: what is read in the place of the model's tensors, by their number.
        producer: value -> number of the step that made it.
    """

    nodes: list[Node]
    shapes: list[tuple[int, ...]]
    dtypes: list[Any]
    inputs: list[int]
    outputs: dict[str, int]
    records: list[Record]
    moving: set[int]
    grown: list[bool] | None
    exact: str = ""
    random: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()
    replaced: Mapping[int, Any] = attrs.field(factory=dict)
    producer: dict[int, int] = attrs.field(factory=dict)
    lock: threading.RLock = attrs.field(factory=threading.RLock)
    _kept: dict[Any, Any] = attrs.field(factory=dict)

    @classmethod
    def of(cls, recorder: Recorder, example: Sequence[Any], *, only_read: bool = False) -> Trace:
        """Put a model on tape.

        Args:
            recorder: calls the model.
            example: the flat inputs of one picture.
            only_read: the tape is looked at, and nothing is cut from it: it may be of this picture alone.

        Raises:
            UntraceableError: the tape would not be the model.
        """
        with _TRACING:
            one, outputs = record(recorder, [x[:1] for x in example], only_read)
            exact, grown = "", None
            try:
                if one.reads:
                    raise UntraceableError(one.why)
                if one.random:
                    raise UntraceableError(one.drawing)
                two, again = record(recorder, [torch.cat([x[:1], x[:1]]) for x in example], only_read)
                grown = unify(one, two)
                if outputs != again:
                    raise UntraceableError("it has different outputs for two pictures")
            except UntraceableError as error:
                exact, grown = str(error), None
            except Exception as error:
                exact = f"two pictures at once fail ({type(error).__name__})"
        COUNTERS.add("traces")
        trace = cls(
            one.nodes,
            one.shapes,
            one.dtypes,
            list(range(len(example))),
            outputs,
            named(one.records),
            one.moving,
            grown,
            exact,
            tuple(dict.fromkeys(one.random)),
        )
        for number, node in enumerate(trace.nodes):
            for value in node.results:
                trace.producer.setdefault(value, number)
        return trace

    def record(self, path: str) -> Record:
        return next(one for one in self.records if one.path == path)

    def inputs_of(self, number: int) -> list[int]:
        """Return the values that a step reads, those it writes into among them."""
        node = self.nodes[number]
        return [*node.refs, *(old for old, _ in node.touched)]

    def descendants(self, values: Collection[int]) -> set[int]:
        """Return the values that are computed from these, themselves among them."""
        found = set(values)
        for number, node in enumerate(self.nodes):
            if not found.isdisjoint(self.inputs_of(number)):
                found.update(node.results)
        return found

    def ancestors(self, values: Collection[int], stop: Collection[int] = ()) -> set[int]:
        """Return the numbers of the steps that compute these values, without looking behind `stop`."""
        found: set[int] = set()
        waiting = [value for value in values if value not in stop]
        while waiting:
            number = self.producer.get(waiting.pop())
            if number is None or number in found:
                continue
            found.add(number)
            waiting.extend(value for value in self.inputs_of(number) if value not in stop)
        return found

    def consumers(self, value: int, within: Collection[int] | None = None) -> list[int]:
        """Return the numbers of the steps that read a value, of those `within`, or of all."""
        numbers = range(len(self.nodes)) if within is None else sorted(within)
        return [number for number in numbers if value in self.inputs_of(number)]

    def batch_first(self, value: int) -> bool:
        """Return whether the first axis is the batch, perhaps with windows or heads folded into it."""
        return self.grown is not None and self.grown[value]

    def frontier(self, at: int, fetches: Sequence[int]) -> list[int]:
        """Return what a tail from `at` needs besides: values that depend on the inputs, and not on `at`.

        They are batch first, so that they can be repeated.
        """
        behind = self.descendants([at])
        sides: dict[int, None] = {}
        seen = {at}
        waiting = list(fetches)
        while waiting:
            value = waiting.pop()
            if value in seen or value not in self.moving:
                continue
            seen.add(value)
            if value not in behind and (self.exact or self.batch_first(value) or value in self.inputs):
                sides[value] = None
            else:
                waiting.extend(self.inputs_of(self.producer[value]))
        return list(sides)

    def cut(self, feeds: Sequence[int], fetches: Sequence[int]) -> Cut:
        """Return `(b, *feeds) -> [*fetches]` for b pictures, as a compiled function."""
        key = ("cut", tuple(feeds), tuple(fetches))

        def make() -> Cut:
            COUNTERS.add("cuts")
            return compiled(self, feeds, fetches, self.replaced)

        return self.once(key, make)

    def once(self, key: Any, make: Callable[[], Any]) -> Any:
        """Return what `make` returned the first time for a key; it must not hold the model."""
        with self.lock:
            if key not in self._kept:
                self._kept[key] = make()
            return self._kept[key]

    def with_weights(self, replaced: Mapping[int, Any]) -> Trace:
        """Return the same tape with other weights, given by the numbers of the model's own."""
        return attrs.evolve(self, replaced=replaced, lock=threading.RLock(), kept={})


def record(recorder: Recorder, example: list[Any], only_read: bool) -> tuple[Tape, dict[str, int]]:
    """Return the tape of one call, and the outputs by name.

    Raises:
        UntraceableError: the tape would not be the model.
    """
    with at_rest(True):
        leaves = [x.detach().requires_grad_(x.is_floating_point()) for x in example]
        inputs = [x.clone() for x in leaves]  # which a model may write into
        tape = Tape(inputs)
        answer = recorder.run(inputs, tape)
    if tape.why and not only_read:
        raise UntraceableError(tape.why)
    pairs = outputs_of(answer)
    if not pairs:
        raise UntraceableError(f"its output, a {type(answer).__name__}, holds no tensor")
    values = {key: tape.value_of(leaf) for key, leaf in pairs}
    if any(value is None for value in values.values()):
        raise UntraceableError("its output was not made by torch functions")
    tape.close()
    return tape, values  # type: ignore[return-value]


def outputs_of(answer: Any) -> list[tuple[str, Any]]:
    """Return the tensors of an answer by name.

    The logits of a ModelOutput come first, and a detector's scores before its boxes; a loss, which is one
    number for all pictures, comes last.
    """
    pairs = [(key or "0", leaf) for key, leaf in named_leaves(answer) if isinstance(leaf, torch.Tensor)]
    return sorted(pairs, key=lambda pair: (pair[1].ndim == 0, pair[0] not in ("logits", "scores")))


@contextlib.contextmanager
def at_rest(gradients: bool = False) -> Iterator[None]:
    """Run tensors with gradients or without, whatever modes the caller has turned on."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.set_grad_enabled(gradients))
        for kind in ("cpu", "cuda"):
            if torch.is_autocast_enabled(kind):
                stack.enter_context(torch.autocast(kind, enabled=False))
        yield


def named(raw: list[tuple[str, str, str, int, bool]]) -> list[Record]:
    """Give every recorded output its unique path, with `/` between modules."""
    calls = Counter((path, key) for path, _, key, _, _ in raw)
    seen: Counter[tuple[str, str]] = Counter()
    found = []
    for path, kind, key, value, holds in raw:
        bare = path.replace(".", "/")
        number = f"#{seen[path, key]}" if calls[path, key] > 1 else ""
        seen[path, key] += 1
        found.append(Record(bare + number + (f":{key}" if key else ""), bare, kind, key, value, holds))
    return found
