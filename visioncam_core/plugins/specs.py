"""The rows of the registry: what a plugin declares about a method, renderer, metric or engine.

A row is checked when it is created, so an error points at the line that created it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import attrs

from visioncam_core.errors import PluginError
from visioncam_core.options.fields import describe_options
from visioncam_core.plugins.row_checks import (
    HYPHENATED,
    check_line,
    check_name,
    check_text,
    check_texts,
    word_set,
    words,
)
from visioncam_core.text import brief

if TYPE_CHECKING:
    from visioncam_core.engine.interface import Engine


def _check_class(cls: object, row: str, argument: str) -> None:
    """Check that a class can be built from options alone and called with one argument."""
    if not isinstance(cls, type):
        raise PluginError(f"{row}.cls must be a class, not an instance; received {brief(cls)}")
    name = cls.__name__
    required = [info.name for info in describe_options(cls) if info.default is attrs.NOTHING]
    if required:
        raise PluginError(f"every option of {name} needs a default; these have none: {', '.join(required)}")
    if not any("__call__" in vars(base) for base in cls.__mro__):
        raise PluginError(f"{name} has no __call__(self, {argument})")
    try:
        inspect.signature(cls.__call__).bind(None, None)
    except TypeError as exc:
        raise PluginError(f"{name}.__call__ must accept exactly (self, {argument}): {exc}") from None


def _check_method(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    _check_class(value, "MethodSpec", "evidence")
    needs = getattr(value, "needs", None)
    if not isinstance(needs, frozenset) or not all(isinstance(need, str) for need in needs):
        raise PluginError(
            f"{value.__name__}.needs must be a frozenset of the evidence the method reads, such as "
            f"frozenset({{'activations', 'gradients'}}); received {brief(needs)}"
        )
    family, on = getattr(value, "family", "cam"), getattr(value, "on", "layer")
    if family not in FAMILIES or on not in ("layer", "input"):
        raise PluginError(
            f"{value.__name__}.family must be one of {', '.join(FAMILIES)} and .on 'layer' or 'input'; "
            f"received {brief(family)} and {brief(on)}"
        )


def _check_renderer(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    _check_class(value, "RendererSpec", "explanation")


def _check_metric(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    _check_class(value, "MetricSpec", "case")
    needs = getattr(value, "needs", None)
    unknown = sorted(needs - METRIC_NEEDS) if isinstance(needs, frozenset) else None
    if unknown or unknown is None:
        raise PluginError(
            f"{value.__name__}.needs must be a frozenset with items from {', '.join(sorted(METRIC_NEEDS))}; "
            f"received {brief(needs if unknown is None else unknown)}"
        )
    if not isinstance(getattr(value, "switches", None), property):
        raise PluginError(
            f"{value.__name__} has no property `switches`: the visioncam_core.metrics.Switches that its "
            "numbers are made with"
        )


def _check_better(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if value not in BETTER:
        raise PluginError(f"MetricSpec.better must be one of {', '.join(BETTER)}; received {brief(value)}")


def _check_engine_name(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    bare = value.rpartition(":")[2] if isinstance(value, str) else ""
    if not HYPHENATED.fullmatch(bare):
        raise PluginError(
            f"EngineSpec.name must be lower-case letters and digits, with hyphens between, received "
            f"{brief(value)}"
        )


def _always() -> bool:
    return True


def _check_callable(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if not callable(value):
        raise PluginError(f"EngineSpec.{attribute.name} must be a function, received {brief(value)}")


def _check_abilities(instance: object, attribute: attrs.Attribute[Any], value: frozenset[str]) -> None:
    if value - ABILITIES:
        raise PluginError(
            f"EngineSpec.can must be among {', '.join(sorted(ABILITIES))}; received "
            f"{brief(sorted(map(str, value - ABILITIES)))}"
        )


METRIC_NEEDS = frozenset({"scores", "truth", "maps", "randomised", "rival", "activations"})
FAMILIES = ("cam", "gradient", "region", "attention")
BETTER = ("higher", "lower", "neither")
ABILITIES = frozenset({"layers", "gradients", "input-gradients", "copies", "attention"})
"""What an engine can give: activations of layers, gradients there, gradients at the input, copies of a model
with other weights, attention weights.
"""


@attrs.frozen
class MethodSpec:
    """One method.

    Attributes:
        name: canonical, lower-case letters and digits: `"gradcamplusplus"`.
        cls: frozen attrs class; its fields are the options, each with a default;
            `__call__(evidence)` returns the raw map `(N, *grid)`; the class variable
            `needs: frozenset[str]` names what of the evidence it reads.
        title: as it is written for display: `"Grad-CAM++"`.
        reference: where it was published: `"Chattopadhay et al. 2018, arXiv:1710.11063"`.
        summary: one line on what sets it apart.
        aliases: other names that find it.
        claims: properties that the contract kit checks: `"scale-invariant"`, `"flip-equivariant"`.
        distribution: where it comes from; the registry fills it in.
        in_all: whether `methods="all"` includes it.

    Class variables declare the rest: `family`, "cam" by default, "gradient",
    "region" or "attention"; where its map lies: `on = "layer"` by default, or "input"; `sign_blind = True`
    where evidence for and against the target look the same.

    Raises:
        PluginError: an invalid field; the message names it and the value.
    """

    name: str = attrs.field(validator=check_name)
    cls: type = attrs.field(validator=_check_method)
    title: str = attrs.field(validator=check_line)
    reference: str = attrs.field(validator=check_line)
    summary: str = attrs.field(validator=check_line)
    aliases: tuple[str, ...] = attrs.field(default=(), converter=words, validator=check_texts)
    claims: frozenset[str] = attrs.field(default=frozenset(), converter=word_set, validator=check_texts)
    distribution: str = attrs.field(default="", validator=check_text)
    in_all: bool = True

    @property
    def family(self) -> str:
        """One of `FAMILIES`."""
        return str(getattr(self.cls, "family", "cam"))

    @property
    def on(self) -> str:
        """Where its map lies, "layer" or "input"."""
        return str(getattr(self.cls, "on", "layer"))


@attrs.frozen
class RendererSpec:
    """One way to draw an explanation.

    Attributes:
        name: canonical, lower-case letters and digits: `"overlay"`.
        cls: frozen attrs class; its fields are the options, each with a default;
            `__call__(explanation)` returns an `(H, W, 3)` uint8 RGB array.
        title: as it is written for display.
        reference: where it was published, or empty.
        summary: one line on what it shows.
        aliases: other names that find it.
        claims: properties that the contract kit checks.
        distribution: where it comes from; the registry fills it in.

    Raises:
        PluginError: an invalid field; the message names it and the value.
    """

    name: str = attrs.field(validator=check_name)
    cls: type = attrs.field(validator=_check_renderer)
    title: str = attrs.field(validator=check_line)
    reference: str = attrs.field(default="", validator=check_text)
    summary: str = attrs.field(default="", validator=check_text)
    aliases: tuple[str, ...] = attrs.field(default=(), converter=words, validator=check_texts)
    claims: frozenset[str] = attrs.field(default=frozenset(), converter=word_set, validator=check_texts)
    distribution: str = attrs.field(default="", validator=check_text)


@attrs.frozen
class MetricSpec:
    """One measure of an explanation.

    Attributes:
        name: canonical, lower-case letters and digits: `"deletion"`.
        cls: frozen attrs class; its fields are the options, each with a default; `__call__(case)` returns
            a number or a `Measured` for one picture; the class variable `needs: frozenset[str]` names what it
            needs, out of "scores" (of changed pictures), "truth" (where the object is), "maps" (of changed
            pictures), "randomised" (maps of randomised copies of the model), "rival" (the map of another
            class) and "activations" (the layer's own); the property `switches` says how its numbers are
            computed; the class variable `bounds`, which may be left out, is the smallest and largest number.
        title: as it is written for display.
        better: "higher" or "lower" is better, or "neither".
        reference: where it was published.
        summary: one line on what it measures.
        aliases: other names that find it.
        claims: properties that a contract kit may check.
        distribution: where it comes from; the registry fills it in.

    Raises:
        PluginError: an invalid field; the message names it and the value.
    """

    name: str = attrs.field(validator=check_name)
    cls: type = attrs.field(validator=_check_metric)
    title: str = attrs.field(validator=check_line)
    better: str = attrs.field(validator=_check_better)
    reference: str = attrs.field(validator=check_line)
    summary: str = attrs.field(validator=check_line)
    aliases: tuple[str, ...] = attrs.field(default=(), converter=words, validator=check_texts)
    claims: frozenset[str] = attrs.field(default=frozenset(), converter=word_set, validator=check_texts)
    distribution: str = attrs.field(default="", validator=check_text)


@attrs.frozen
class EngineSpec:
    """What runs the models of one framework.

    Attributes:
        name: canonical, lower-case letters and digits, with hyphens between: `"keras-tensorflow"`.
        accepts: whether an object is a model of this engine, judged by the names and modules of its classes;
            it imports nothing.
        make: returns the engine, see `visioncam_core.engine.interface.Engine`; imports the framework or lets
            the engine do so.
        title: what it runs, as it is written for display: `"Keras model"`.
        summary: one line on what it runs.
        suffixes: of the model files that it reads, such as `".keras"`.
        schemes: libraries whose networks it builds by name: `"timm"` for `timm:resnet50`.
        requires: names of the modules that must be installed.
        can: what it gives, out of `ABILITIES`: a method's `needs` are checked against it.
        ready: whether it could run a model in this process as it is set up: of several engines that read the
            same files, the first that is ready opens one.  It imports nothing.
        aliases: other names that find it.
        distribution: where it comes from; the registry fills it in.

    Raises:
        PluginError: an invalid field; the message names it and the value.
    """

    name: str = attrs.field(validator=_check_engine_name)
    accepts: Callable[[Any], bool] = attrs.field(validator=_check_callable)
    make: Callable[[], Engine] = attrs.field(validator=_check_callable)
    title: str = attrs.field(validator=check_line)
    summary: str = attrs.field(default="", validator=check_text)
    suffixes: tuple[str, ...] = attrs.field(default=(), converter=words, validator=check_texts)
    requires: tuple[str, ...] = attrs.field(default=(), converter=words, validator=check_texts)
    can: frozenset[str] = attrs.field(
        default=frozenset({"layers"}), converter=word_set, validator=_check_abilities
    )
    ready: Callable[[], bool] = attrs.field(default=_always, validator=_check_callable)
    aliases: tuple[str, ...] = attrs.field(default=(), converter=words, validator=check_texts)
    distribution: str = attrs.field(default="", validator=check_text)
    schemes: tuple[str, ...] = attrs.field(default=(), converter=words, validator=check_texts)


KINDS: dict[str, type[Any]] = {
    "method": MethodSpec,
    "renderer": RendererSpec,
    "metric": MetricSpec,
    "engine": EngineSpec,
}
"""What a plugin can bring -> the class of its rows."""
