"""What a caller wants of a model: one record, built from keywords in one place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import attrs

from visioncam_core.errors import OptionError, OptionTypeError
from visioncam_core.options.fields import describe_options
from visioncam_core.pipeline.apply import Method, needs_of
from visioncam_core.pipeline.settings import Settings
from visioncam_core.plugins.default import registry
from visioncam_core.plugins.specs import FAMILIES
from visioncam_core.progress import reporting
from visioncam_core.text import brief, did_you_mean, whole

_LAYERS = ("layer_name", "target_layer", "target_layers", "conv_layer", "penultimate_layer")
_TARGETS = ("class_idx", "class_index", "pred_index", "label", "target_category", "target_class")
_DEVICE = "a model runs on the device it is on: move it first, as in model.to('cuda')"
_RENDERER = "it belongs to drawing: e.render(colormap=...), e.save(path, alpha=...)"
ELSEWHERE = (
    dict.fromkeys(_TARGETS, "here it is 'target', as in target=3")
    | dict.fromkeys(_LAYERS, "here it is 'layer', as in layer=model.layer4[-1]")
    | dict.fromkeys(("use_cuda", "device", "cuda"), _DEVICE)
    | dict.fromkeys(("colormap", "alpha", "renderer"), _RENDERER)
    | {
        "preprocess_input": "here it is 'preprocess'",
        "reshape_transform": "here it is 'reshape', and tokens and windows rarely need one",
        "eigen_smooth": "it does not exist here; method='eigencam' maps the principal component of the "
        "activations",
        "aug_smooth": "it does not exist here; method='smoothgradcamplusplus' averages over noisy copies",
        "internal_batch_size": "here it is 'batch_size'",
        "n_steps": "here it is 'steps'",
        "n_samples": "here it is 'samples' or 'n', see visioncam.methods()",
        "show_progress": "here it is 'progress'",
    }
)
"""What other tools call some of the keywords, and what to write here."""
PLURALS = ("layers", "methods", "targets")
GROUPS = (*FAMILIES, "all", "every")
"""Names that stand for several methods."""


@attrs.frozen(eq=False)
class Request:
    """What a caller wants, checked."""

    methods: tuple[Method, ...]  # with their options, in order
    settings: Settings  # layer, score, preprocessing and so on
    target: Any = None  # as in `visioncam.explain`; None for the top class

    @classmethod
    def of(cls, methods: Any, keywords: Mapping[str, Any], target: Any = None) -> Request:
        """Build a request from the keywords of `visioncam.explain`.

        Args:
            methods: "all", a name, a method object or a `Method`, or a list of these; an empty list where
                only layers are looked at.
            keywords: settings and method options.  Of several methods each takes those it has.
            target: as in `visioncam.explain`.
        """
        every = method_list(methods)
        if every and all(map(_is_plain, (*every, *keywords.values()))):
            request = _plain_request(registry().state, *every, **keywords)
            if all(_is_frozen(type(one.method)) for one in request.methods):
                return attrs.evolve(request, target=target)
        return cls._built(every, keywords, target)

    def looks_at_layers(self) -> bool:
        """Return whether a layer is needed: by a method that the engine serves.

        Raises:
            OptionError: one was asked for, and no method looks at it.
        """
        layer, served = self.settings.layer, [one for one in self.methods if one.refusal is None]
        if any(one.on == "layer" for one in served):
            return True
        if not served or (isinstance(layer, str) and layer == "auto"):
            return False
        raise OptionError(
            f"{served[0].name} maps the picture itself, not a layer; leave layer= out, "
            f"received {brief(layer)}"
        )

    @classmethod
    def _built(cls, every: Sequence[Any], keywords: Mapping[str, Any], target: Any = None) -> Request:
        settings, options = _split(keywords, every)
        if len(every) > 1 and any(isinstance(method, str) for method in every):
            own = [{name: options[name] for name in options if name in _option_names(one)} for one in every]
        else:
            own = [options] * len(every)
        return cls(tuple(_named(one, mine) for one, mine in zip(every, own, strict=True)), settings, target)


def _named(method: Any, options: Mapping[str, Any]) -> Method:
    return method if isinstance(method, Method) else Method.of(*registry().make_method(method, options))


def side_by_side(name: str, one: Any, several: Any, default: Any = None) -> list[Any] | Any:
    """Return what a plural keyword holds; its singular, such as "layer", is a list of one.

    `one` and `several` are what singular and plural were given; both at once are an error.
    """
    if one is not None and several is not None:
        raise OptionTypeError(f"{name} and {name}s were both given; put every {name} into {name}s=[...]")
    return several if several is not None else default if one is None else [one]


def one_pass() -> list[str]:
    """Return the methods of "all" that need one forward and one backward pass, which they share."""
    return [row.name for row in registry().methods() if row.in_all and "gradients" in needs_of(row.cls)]


def several_methods(method: Any, methods: Any, default: Any = "all") -> list[Any]:
    """Return the methods of `methods=` or `method=`.  A list may name families, too."""
    several = side_by_side("method", method, methods, default)
    found = [several] if isinstance(several, str) else method_list(several)
    if not found:
        raise OptionTypeError("methods is an empty list; pass 'all', or at least one name or object")
    if method is not None or not any(isinstance(one, str) and one in GROUPS for one in found):
        return found
    return list(dict.fromkeys(name for one in found for name in method_list(one)))


def several_layers(layers: Any, keywords: Mapping[str, Any]) -> list[Any] | None:
    """Return the layers of `layers=`; None where it was not given."""
    side_by_side("layer", keywords.get("layer"), layers)
    return None if layers is None else list_of("layers", layers)


def list_of(name: str, values: Any) -> list[Any]:
    """Return the values of a keyword that takes a list with at least one entry."""
    if not isinstance(values, list | tuple) or not values:
        raise OptionTypeError(
            f"{name} takes a list with at least one entry, received {brief(values, 60)}; for a single "
            f"one use {name.removesuffix('s')}="
        )
    return list(values)


@lru_cache(maxsize=64, typed=True)
def _plain_request(state: object, *methods: str, **keywords: Any) -> Request:
    """Return a request of plain values, built once: a loop over pictures builds it no second time.

    `state` is the registry's: with other plugins a new request is built.
    """
    return Request._built(methods, keywords)


def _is_frozen(cls: Any) -> bool:
    """Return whether a class is a frozen one of attrs, whose objects several calls may share."""
    return getattr(cls.__setattr__, "__name__", "") == "_frozen_setattrs"


def _is_plain(value: Any) -> bool:
    return value is None or type(value) in (str, int, float, bool)


def method_list(methods: Any) -> list[Any]:
    """Return the methods that "all", "every", a family, a single method or a list of methods names.

    "all" are the nine and what plugins bring; "every" is every one.
    """
    if isinstance(methods, str) and methods in GROUPS:
        rows = registry().methods()
        wanted = [row for row in rows if row.in_all] if methods == "all" else rows
        return [row.name for row in wanted if methods in ("all", "every", row.family)]
    return list(methods) if isinstance(methods, list | tuple) else [methods]


def _split(keywords: Mapping[str, Any], methods: Sequence[Any]) -> tuple[Settings, dict[str, Any]]:
    """Split keywords into settings and method options; an unknown one is an error with the nearest name."""
    known = {name for method in methods for name in _option_names(method)}
    own = [info.name for info in describe_options(Settings)]
    if "window" in known and whole(keywords.get("window")) is not None:  # a side in pixels, not a pair
        own.remove("window")
    unknown = [name for name in keywords if name not in own and name not in known]
    if "target" in unknown:
        raise OptionTypeError(
            "target is not a keyword here: pass it with the image, as in explainer(model, ...)(image, "
            "target), or to explain, compare or doctor"
        )
    if plural := [name for name in unknown if name in PLURALS]:
        one, given = plural[0].removesuffix("s"), keywords[plural[0]]
        first = given[0] if isinstance(given, list | tuple) and given else given
        index = whole(getattr(first, "category", None))  # of pytorch-grad-cam's targets
        value = "" if index is None else str(index)
        raise OptionTypeError(
            f"{plural[0]} names several side by side, but only one fits here: pass {one}={value}, or "
            "several to visioncam.compare"
        )
    if unknown and (not methods or any(isinstance(method, str) for method in methods)):
        raise OptionTypeError(_unknown_keyword(unknown[0], sorted({*own, *known})))
    settings = {name: value for name, value in keywords.items() if name in own}
    settings["progress"] = reporting(settings.get("progress"))
    return Settings(**settings), {name: value for name, value in keywords.items() if name not in own}


def _option_names(method: Any) -> set[str]:
    if not isinstance(method, str):
        return set()
    return {info.name for info in describe_options(registry().method(method).cls)}


def _unknown_keyword(name: str, known: list[str]) -> str:
    owners = [row.name for row in registry().methods() if name in _option_names(row.name)]
    owner = f"; it is an option of {', '.join(owners)}." if owners else ""
    meant = f"; {ELSEWHERE[name]};" if name in ELSEWHERE else ""
    hint = owner or meant or did_you_mean(name, [*known, "target"]) or ";"
    return f"unknown keyword {brief(name, 40)}{hint} known: {', '.join(known)}, target"
