"""Which engine runs a model, and what is said where none does, two do, or one cannot serve a method."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import attrs
import numpy as np
import pytest
from helpers.numpy_engine import SPEC, TwoLayers

from visioncam_core.errors import ModelError, NameNotFoundError, OptionError, PluginError, PluginWarning
from visioncam_core.pipeline.explainer import Explainer
from visioncam_core.pipeline.request import Request
from visioncam_core.plugins.default import BUILTINS, use_registry
from visioncam_core.plugins.hookspecs import hookimpl
from visioncam_core.plugins.registry import Registry
from visioncam_core.specs import EngineSpec

Make = Callable[..., Registry]
X = np.random.default_rng(0).uniform(size=(16, 16, 3)).astype(np.float32)


class Rows:
    def __init__(self, *rows: EngineSpec) -> None:
        self.rows = rows

    @hookimpl
    def visioncam_register_engines(self) -> Any:
        return self.rows


@pytest.fixture
def registry() -> Iterator[Callable[..., Registry]]:
    """Return a function that puts engines into a registry, which the test then uses."""
    with ExitStack() as stack:

        def of(*rows: EngineSpec) -> Registry:
            found = Registry(BUILTINS, discover=False)
            found.add_plugin(Rows(*rows), "engines", "others", whole=True)
            return stack.enter_context(use_registry(found))

        yield of


def explainer(*methods: str, **keywords: Any) -> Explainer:
    return Explainer.of(TwoLayers(), Request.of(list(methods), keywords))


def test_two_engines_that_run_one_model_are_both_named_and_one_is_chosen(
    registry: Make,
) -> None:
    registry(SPEC, attrs.evolve(SPEC, name="another"))
    with pytest.raises(ModelError, match=r"'numpy-two-layers' and 'another' both run .*engine='numpy-two"):
        explainer("gradcam")
    assert explainer("gradcam", engine="another")(X).raw.any()
    with pytest.raises(NameNotFoundError, match=r"unknown engine 'anther'.*another"):
        explainer("gradcam", engine="anther")


def test_a_builtin_engine_keeps_its_name() -> None:
    found = Registry(BUILTINS, discover=False)
    with pytest.warns(PluginWarning, match="the engine name 'kerastensorflow' is taken"):
        found.add_plugin(Rows(attrs.evolve(SPEC, name="keras-tensorflow")), "engines", "others")
    names = [row.name for row in found.engines()]
    assert names == [
        *(row.name for row in Registry(BUILTINS, discover=False).engines()),
        "others:keras-tensorflow",
    ]


def test_an_engine_that_raises_when_it_is_asked_costs_one_warning(registry: Make) -> None:
    def raising(model: Any) -> bool:
        raise RuntimeError("no idea")

    found = registry(SPEC, attrs.evolve(SPEC, name="broken", accepts=raising))
    with pytest.warns(PluginWarning, match="RuntimeError: no idea"):
        assert explainer("gradcam")(X).raw.any()
    assert explainer("gradcam")(X).raw.any()
    assert found.plugins()[-1].stage == "accepts"


def test_an_engine_without_gradients_serves_methods_that_need_none(registry: Make) -> None:
    registry(attrs.evolve(SPEC, can={"layers"}))
    with pytest.raises(
        OptionError, match="'gradcam' needs gradients, which the engine 'numpy-two-layers' does not provide"
    ) as caught:
        explainer("gradcam")
    assert "'scorecam'" in str(caught.value)
    assert "'hirescam'" not in str(caught.value)
    assert explainer("scorecam")(X).raw.any()
    compared = explainer("gradcam", "scorecam", "ablationcam").compare(X)
    assert [one.method for one in compared.explanations] == ["scorecam", "ablationcam"]  # type: ignore[union-attr]
    assert list(compared.failures) == ["gradcam"]  # type: ignore[union-attr]


def test_an_engine_that_shows_no_attention_refuses_methods_that_need_it(registry: Make) -> None:
    registry(SPEC)
    with pytest.raises(OptionError, match=r"'rollout' needs attention, which the engine .* does not provide"):
        explainer("rollout")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "Two Layers", "lower-case"),
        ("accepts", None, "must be a function"),
        ("make", 3, "must be a function"),
        ("title", "", "one line of text"),
        ("suffixes", ".npz", "tuple of words"),
        ("can", "gradients", "tuple of words"),
        ("can", {"levitation"}, "among attention, copies"),
    ],
)
def test_a_row_that_cannot_be_right_is_refused(field: str, value: Any, words: str) -> None:
    with pytest.raises(PluginError, match=words):
        attrs.evolve(SPEC, **{field: value})
