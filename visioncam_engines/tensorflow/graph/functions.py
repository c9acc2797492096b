"""Functions cut from a trace: the whole pass with its gradient, the head, the tail, the tail's gradient.

Each is cut once and kept with the trace; cutting copies operations out of the graph and traces nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import attrs

from visioncam_core.engine.batches import COUNTERS
from visioncam_core.engine.graph.probable import Logits, score_kind
from visioncam_core.engine.interrupts import delay_interrupts
from visioncam_core.engine.output import Score
from visioncam_core.errors import GradientError
from visioncam_engines.keras.records import Recorded
from visioncam_engines.tensorflow.graph.extract import carve
from visioncam_engines.tensorflow.graph.graph import frontier
from visioncam_engines.tensorflow.probabilities import find_logits
from visioncam_engines.tensorflow.tracing.trace_model import Trace

_NO_GRADIENT = re.compile(r"No gradient defined for operation\s*'([^']*)' \(op type: (\w+)\)")


@attrs.frozen(eq=False)
class GraphScore(Score):
    """A score with its place in the graph.

    Attributes:
        values: symbolic float32 values, one for each class (and position).
        answer: symbolic float32 output of the model as the user sees it, or the probabilities in it.
        leaves: symbolic tensors that the values are put together from; () where they are one.
    """

    values: Any = None
    answer: Any = None
    leaves: tuple[Any, ...] = ()

    @property
    def key(self) -> tuple[str, str, int]:
        """What identifies it within one trace."""
        return (self.output, self.kind, id(self.values))


def once(trace: Trace, key: Any, make: Callable[[], Any], kind: str = "", most: int = 0) -> Any:
    """Return what was made under this key before; else make it, once for all threads, and keep it.

    Of a `kind`, the `most` made last are kept.
    """
    with trace.lock:
        kept = trace.cuts.setdefault(kind, {}) if kind else trace.cuts
        if key not in kept:
            with delay_interrupts():
                kept[key] = make()
            if kind and len(kept) > most:
                del kept[next(iter(kept))]
        return kept[key]


def score_of(
    trace: Trace, output: str, wanted: str, flat: list[Any], channels_first: bool = False
) -> GraphScore:
    """Return the score values of one output.

    Args:
        trace: the traced model.
        output: name of the output.
        wanted: "logit" or "probability".
        flat: inputs that the model takes.
        channels_first: the output is (N, classes, *space); it is moved to (N, *space, classes).
    """

    def find() -> Logits:
        answer = trace.outputs[output]
        if channels_first:
            with trace.graph.as_default():
                answer = channels_last(answer)
        return find_logits(trace, answer, flat)

    def make() -> GraphScore:
        import tensorflow as tf

        found = once(trace, ("logits", output, channels_first), find)
        kind, assumed = score_kind(found, wanted)
        with trace.graph.as_default():
            answer = tf.cast(found.answer, tf.float32)
            if wanted == "logit":
                values = tf.cast(found.tensor, tf.float32)
            elif assumed:
                single = answer.shape[-1] == 1 or answer.shape.rank == 1
                values = tf.sigmoid(answer) if single else tf.nn.softmax(answer)
            else:
                values = tf.exp(answer) if found.activation == "log_softmax" else answer
        return GraphScore(
            output, kind, tuple(values.shape), tuple(answer.shape), found.activation, assumed, found.own,
            found.groups, found.complete, found.by_answer, found.composed, values, answer,
            found.leaves if wanted == "logit" else (),
        )  # fmt: skip

    return once(trace, ("score", output, wanted, channels_first), make)


def channels_last(values: Any) -> Any:
    """Move (N, K, *space) to (N, *space, K)."""
    import tensorflow as tf

    return tf.transpose(values, [0, *range(2, values.shape.rank), 1])


def channels_first(values: Any) -> Any:
    """Move (N, *space, K) to (N, K, *space)."""
    import tensorflow as tf

    return tf.transpose(values, [0, values.shape.rank - 1, *range(1, values.shape.rank - 1)])


def cut(trace: Trace, key: Any, build: Callable[[], tuple[list[Any], list[Any]]]) -> Any:
    def make() -> Any:
        with trace.graph.as_default():
            feeds, fetches = build()
        function = carve(trace.graph, feeds, fetches, replaced=trace.replaced)
        COUNTERS.add("cuts")
        return function

    return once(trace, key, make)


def forward(trace: Trace, score: GraphScore) -> Any:
    """Return `(*inputs) -> [values, answer]`."""
    return cut(trace, ("forward", score.key), lambda: (list(trace.inputs), [score.values, score.answer]))


def outputs(trace: Trace) -> Any:
    """Return `(*inputs) -> [every output]`."""
    return cut(trace, "outputs", lambda: (list(trace.inputs), list(trace.outputs.values())))


def probe(trace: Trace, record: Recorded, score: GraphScore) -> Any:
    """Return `(*inputs, class_index, scale) -> [*A, *G, values, answer]` for scores of shape (N, C).

    A class index of -1 stands for the top class.  A single value per picture is a binary score:
    index 1 is for it, 0 against it, and -1 whichever holds (a plain output is always for it).
    The gradient is that of `scale` times the score.
    """

    def build() -> tuple[list[Any], list[Any]]:
        import tensorflow as tf

        classes = tf.compat.v1.placeholder(tf.int32, [None], name="class_index")
        scale = tf.compat.v1.placeholder(tf.float32, [], name="scale")
        cotangent = class_cotangent(score, classes) * scale
        gradients = _gradients(score, record, cotangent)
        fetches = [*record.tensors, *gradients, score.values, score.answer]
        return [*trace.inputs, classes, scale], fetches

    return cut(trace, ("probe", record.path, score.key), build)


def class_cotangent(score: GraphScore, classes: Any) -> Any:
    import tensorflow as tf

    values, ranked = score.values, score.answer if score.by_answer else score.values
    if values.shape.rank == 1 or values.shape[-1] == 1:
        flat = tf.reshape(ranked, [-1])
        if not score.binary:
            sign = tf.ones_like(flat)
        else:
            middle = 0.5 if score.by_answer else score.middle
            chosen = tf.where(classes < 0, tf.cast(flat >= middle, tf.int32), classes)
            sign = tf.cast(2 * chosen - 1, tf.float32)
        return tf.reshape(sign, tf.shape(values))
    index = tf.where(classes < 0, tf.argmax(ranked, axis=-1, output_type=tf.int32), classes)
    return tf.one_hot(index, tf.shape(values)[-1], dtype=tf.float32)


def _gradients(score: GraphScore, record: Recorded, cotangent: Any) -> list[Any]:
    import tensorflow as tf

    gradients = slopes(score.values, list(record.tensors), cotangent)
    if any(gradient is None for gradient in gradients):
        raise GradientError(
            f"the score of output {score.output!r} has no gradient at layer {record.path!r}: a step "
            "between them cannot be differentiated (argmax, rounding, a stopped gradient); choose a later "
            "layer, or ScoreCAM, which needs no gradient"
        )
    return [tf.convert_to_tensor(gradient) for gradient in gradients]


def slopes(values: Any, tensors: list[Any], cotangent: Any = None) -> list[Any]:
    """Return TensorFlow's gradients; an operation that has none registered is named."""
    import tensorflow as tf

    try:
        return list(tf.gradients(values, tensors, cotangent))
    except LookupError as error:
        found = _NO_GRADIENT.search(str(error))
        if found is None:
            raise
        raise GradientError(
            f"the operation {found[1]!r} ({found[2]}) lies between the layer and the score, and TensorFlow "
            "has no gradient for it; choose a later layer, or method='scorecam', which needs no gradient"
        ) from error


@attrs.frozen(eq=False)
class Split:
    """A model cut in two at a layer.

    Attributes:
        head: `(*inputs) -> [*A, *sides, values, answer]`.
        tail: `(*A, *sides) -> [values, answer]`.
    """

    head: Any
    tail: Any


def split(trace: Trace, record: Recorded, score: GraphScore) -> Split:
    """Return the head and the tail at one layer, with the side tensors between them."""
    key = ("split", record.path, score.key)

    def make() -> Split:
        at, fetches = list(record.tensors), [score.values, score.answer]
        sides = sides_of(trace, record, score)
        head = cut(trace, (*key, "head"), lambda: (list(trace.inputs), [*at, *sides, *fetches]))
        tail = cut(trace, (*key, "tail"), lambda: ([*at, *sides], fetches))
        return Split(head, tail)

    return once(trace, key, make)


def sides_of(trace: Trace, record: Recorded, score: GraphScore) -> list[Any]:
    """Return the symbolic tensors that what lies behind a layer needs besides the activations."""
    at, fetches = list(record.tensors), [score.values, score.answer]
    key = ("sides", record.path, score.key)
    return once(trace, key, lambda: frontier(fetches, at, list(trace.inputs), trace.exact))


def tail_backward(trace: Trace, record: Recorded, score: GraphScore) -> tuple[Any, Any]:
    """Return the head `(*inputs) -> [*A, *sides, values, answer]` and `(*A, *sides, cotangent) -> [*G]`.

    The cotangent has the shape of the score's values: it is the gradient of any target in them.
    """
    key = ("backward", record.path, score.key)

    def make() -> tuple[Any, Any]:
        import tensorflow as tf

        at = list(record.tensors)
        with trace.graph.as_default():
            cotangent = tf.compat.v1.placeholder(tf.float32, score.values.shape, name="cotangent")
            gradients = _gradients(score, record, cotangent)
        sides = frontier(gradients, at, list(trace.inputs), trace.exact)
        fetches = [score.values, score.answer]
        head = cut(trace, (*key, "head"), lambda: (list(trace.inputs), [*at, *sides, *fetches]))
        tail = cut(trace, (*key, "tail"), lambda: ([*at, *sides, cotangent], gradients))
        return head, tail

    return once(trace, key, make)
