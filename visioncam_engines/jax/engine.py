"""The engine for Keras models on JAX.  It never changes the model; importing this module imports no JAX."""

from __future__ import annotations

import contextlib
import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import attrs
import numpy as np

from visioncam_core.engine.cache import open_trace
from visioncam_core.engine.copies import Twin, TwinCopy, original
from visioncam_core.engine.interface import Copy
from visioncam_core.engine.model_inputs import ModelInputs
from visioncam_core.engine.records import Mark
from visioncam_core.errors import ModelError
from visioncam_core.text import error_text
from visioncam_engines.jax.copies import JaxTwin
from visioncam_engines.jax.tracing import trace
from visioncam_engines.jax.view import JaxTraced, traced
from visioncam_engines.keras.engine import KerasEngine


class JaxEngine(KerasEngine):
    """Keras 3 on JAX; see `engine.interface.Engine`."""

    name = "keras-jax"
    backend = "jax"

    @property
    def errors(self) -> tuple[type[BaseException], ...]:
        import jax

        return (jax.errors.JaxRuntimeError,)

    def mark(self, model: Any) -> object:
        if isinstance(model, Twin):
            mark = self.mark(model.original)
            return mark.model if isinstance(mark, Mark) else mark
        return super().mark(model)

    def trace(self, model: Any, inputs: ModelInputs, flat: list[Any]) -> JaxTraced:
        if isinstance(model, Twin):
            found: Any = open_trace(self, model.original, inputs, flat)
            variables = tuple(model.replaced.get(id(one), one) for one in found.trace.variables)
            if all(map(operator.is_, variables, found.trace.variables)):
                raise ModelError(
                    f"the graph of the model {self.hints(model).title!r} reads none of its weights, so they "
                    "cannot be randomised; leave out everything that needs randomised copies"
                )
            return attrs.evolve(found, trace=attrs.evolve(found.trace, variables=variables, cuts={}))
        return traced(model, trace(model, inputs.structure, flat))

    def tensors(self, arrays: Sequence[np.ndarray]) -> list[Any]:
        import jax

        return [jax.numpy.asarray(one) for one in arrays]

    def call(self, model: Any, inputs: ModelInputs, flat: list[Any]) -> list[Any]:
        if isinstance(model, Twin):  # it has no Python of its own
            return open_trace(self, model, inputs, flat).answers(flat)
        return self.called(model, inputs, flat)

    def weights(self, model: Any) -> Iterator[tuple[str, Any]]:
        if isinstance(model, Twin):
            yield from zip(model.names, (one.value for one in model.others), strict=True)
            return
        yield from super().weights(model)

    def copy(self, model: Any) -> Copy:
        return TwinCopy.of(JaxTwin.of(original(model)), model, "/")

    def slope(self, function: Callable[[Any], Any], values: Any) -> tuple[Any, Any]:
        import jax

        values = jax.numpy.asarray(values)
        try:
            scores, pull = jax.vjp(function, values)
        except (jax.errors.JAXTypeError, TypeError):  # a function that leaves JAX
            return function(values), None
        if not jax.numpy.issubdtype(scores.dtype, jax.numpy.floating):
            return scores, None
        (gradient,) = pull(jax.numpy.ones_like(scores))
        return scores, gradient

    @contextlib.contextmanager
    def running(self, model: Any) -> Iterator[None]:
        try:
            yield
        except self.errors as error:
            full = "RESOURCE_EXHAUSTED" in str(error)
            fix = (
                "pass a smaller batch_size=, or a smaller picture"
                if full
                else "check that model(input) itself works on this machine"
            )
            name = getattr(original(model), "name", "model")
            raise ModelError(
                f"the model {name!r} failed while it ran ({error_text(error)}); {fix}"
            ) from error
