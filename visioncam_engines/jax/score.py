"""The score of a traced model: what the output says of probabilities, and how it is computed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from visioncam_core.engine.graph.probable import score_kind
from visioncam_core.engine.output import Score
from visioncam_engines.jax.cuts import Made
from visioncam_engines.jax.graph import Value
from visioncam_engines.jax.probabilities import find_logits
from visioncam_engines.jax.tracing import Trace


@attrs.frozen(eq=False)
class JaxScore(Score):
    """A score with its place in the graph.

    Attributes:
        values: float32 values, one for each class (and position).
        told: float32 output of the model as the user sees it, or the probabilities in it.
        leaves: values of the graph that it is put together from.
    """

    values: Made = attrs.field(default=None)
    told: Made = attrs.field(default=None)
    leaves: tuple[Value, ...] = ()

    @property
    def key(self) -> tuple[str, str, int]:
        """What identifies it within one trace."""
        return (self.output, self.kind, id(self.values))

    @property
    def parts(self) -> tuple[Value, ...]:
        """The values of the graph that it is computed from."""
        return tuple(dict.fromkeys((*self.values.parts, *self.told.parts)))


def score_of(trace: Trace, output: str, wanted: str, flat: list[Any], channels_first: bool) -> JaxScore:
    """Return the score of one output.

    Args:
        trace: the traced model.
        output: name of the output.
        wanted: "logit" or "probability".
        flat: inputs that the model takes.
        channels_first: the output is (N, classes, *space); it is moved to (N, *space, classes).
    """

    def make() -> JaxScore:
        import jax

        found = trace.once(("logits", output), lambda: find_logits(trace, trace.outputs[output], flat))
        kind, assumed = score_kind(found, wanted)

        def shown(made: Made, change: Callable[[Any], Any] = lambda x: x) -> Made:
            def make(env: dict[Value, Any]) -> Any:
                given = jax.numpy.asarray(made.make(env)).astype("float32")
                return change(jax.numpy.moveaxis(given, 1, -1) if channels_first else given)

            return Made(made.parts, make)

        answer = values = shown(found.answer)
        if wanted == "logit":
            values = shown(found.tensor)
        elif found.activation == "log_softmax":
            values = shown(found.answer, jax.numpy.exp)
        elif assumed:
            single = _shape(answer)[-1:] in ((1,), ()) or len(_shape(answer)) == 1
            values = shown(found.answer, jax.nn.sigmoid if single else jax.nn.softmax)
        return JaxScore(
            output, kind, _open(values), _open(answer), found.activation, assumed, found.own,
            found.groups, found.complete, found.by_answer, found.composed, values, answer,
            found.leaves if wanted == "logit" else (),
        )  # fmt: skip

    made: JaxScore = trace.once(("score", output, wanted, channels_first), make)
    return made


def _shape(made: Made) -> tuple[int, ...]:
    import jax

    def run() -> Any:
        return made.make({one: jax.numpy.zeros(one.shape, one.dtype) for one in made.parts})

    return tuple(jax.eval_shape(run).shape)


def _open(made: Made) -> tuple[int | None, ...]:
    return (None, *_shape(made)[1:])
