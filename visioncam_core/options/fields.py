"""Options of methods and renderers: attrs fields that describe themselves.

    @attrs.frozen
    class MyCAM:
        samples: int = option(8, help="noisy copies", validator=in_range(1, 512))

gives a keyword argument that is checked, a `--samples` flag, a row in the docs
and enough to draw a widget, all from that one line.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar

import attrs

from visioncam_core.errors import OptionError, OptionTypeError, PluginError, VisionCamError
from visioncam_core.options.coercion import (
    MismatchError,
    coerce,
    literal_choices,
    parse_text,
    same,
    type_name,
)
from visioncam_core.options.validators import InRange, OneOf, one_of, subject_of
from visioncam_core.options.validators import in_range as in_range  # importers of `option` need it, too
from visioncam_core.text import brief, did_you_mean, listing

T = TypeVar("T")
_Validator = Callable[[Any, Any, Any], object]
_METADATA = "visioncam_option"


@attrs.frozen
class _Described:
    """What `option` leaves in a field's metadata."""

    help: str = ""
    unit: str = ""
    rules: tuple[InRange | OneOf, ...] = ()


@attrs.frozen
class OptionInfo:
    """Everything known about one option: for flags, docs tables and widgets.

    Attributes:
        name: the keyword argument, `"samples"`.
        type: the resolved type hint, such as `int` or `float | None`.
        default: the default value; `attrs.NOTHING` if there is none.
        help: one line.
        unit: such as `"pixels"`, or empty.
        choices: the allowed values, or `None` if they cannot be listed.
        rule: the rule in words, such as `"between 0 and 1"`, or empty.
        low: the lower bound, or `None`.
        high: the upper bound, or `None`.
        owner: the class it belongs to, `"ScoreCAM"`.
    """

    name: str
    type: Any
    default: Any
    help: str = ""
    unit: str = ""
    choices: tuple[object, ...] | None = None
    rule: str = ""
    low: float | None = None
    high: float | None = None
    owner: str = ""

    @property
    def type_name(self) -> str:
        """The type in words, such as `"int or None"`."""
        return type_name(self.type)


def option(
    default: Any,
    *,
    help: str,
    unit: str = "",
    validator: _Validator | Sequence[_Validator] | None = None,
    choices: Sequence[object] | None = None,
) -> Any:
    """Return an attrs field for one option of a method or renderer.

    The annotation is the type and is enforced: a bool is not an int, NumPy
    numbers become Python's, an int becomes a float where a float is wanted.

    Args:
        default: the value when the user gives none (or an `attrs.Factory`).
        help: one line for the docs and for `--help`.
        unit: such as `"pixels"`.
        validator: `in_range(...)`, `one_of(...)`, any attrs validator, or several.
        choices: the allowed values, short for `validator=one_of(*choices)`.

    Raises:
        PluginError: `help` is empty.
    """
    if not isinstance(help, str) or not help.strip():
        raise PluginError(f"option(...) needs help=, one line that says what it does; received {brief(help)}")
    given = [] if validator is None else [validator] if callable(validator) else list(validator)
    validators: list[_Validator] = [*([one_of(*choices)] if choices is not None else []), *given]
    rules = tuple(rule for rule in validators if isinstance(rule, (InRange, OneOf)))
    return attrs.field(
        default=default,
        converter=attrs.Converter(_enforce, takes_self=True, takes_field=True),
        validator=validators or None,
        metadata={_METADATA: _Described(help.strip(), unit, rules)},
    )


@lru_cache(maxsize=512)
def _hints(cls: type) -> dict[str, Any]:
    try:
        return typing.get_type_hints(cls)
    except Exception as exc:
        raise PluginError(
            f"the annotations of {cls.__name__} cannot be read ({type(exc).__name__}: {exc}); "
            "import the names they use at the top of the module, not only for type checkers"
        ) from exc


def _enforce(value: object, instance: object, field: attrs.Attribute[Any]) -> object:
    """Check and convert a value by its field's annotation (an attrs converter)."""
    cls: type = type(instance)
    hint = _hints(cls).get(field.name, Any)
    try:
        return coerce(value, hint)
    except MismatchError as exc:
        subject = subject_of(instance, field)
        choices = literal_choices(hint)
        if choices and any(type(value) is type(choice) for choice in choices):
            raise OptionError(OneOf(choices).refusal(subject, value)) from None
        raise OptionTypeError(
            f"{subject} must be {exc}, received {brief(value)} ({type(value).__name__})"
        ) from None


def describe_options(cls: type) -> tuple[OptionInfo, ...]:
    """Return what there is to know about a class's options, in the order of its fields.

    Args:
        cls: an attrs class, such as a row's `cls`.

    Raises:
        PluginError: the class is not an attrs class, or its annotations cannot be read.
    """
    if not isinstance(cls, type) or not attrs.has(cls):
        raise PluginError(f"options are fields of an attrs class (@attrs.frozen); received {brief(cls)}")
    return _described(cls)


@lru_cache(maxsize=512)
def _described(cls: type) -> tuple[OptionInfo, ...]:
    return tuple(_describe(cls, field) for field in attrs.fields(cls) if field.init)


def _describe(cls: type, field: attrs.Attribute[Any]) -> OptionInfo:
    described = field.metadata.get(_METADATA, _Described())
    hint = _hints(cls).get(field.name, Any)
    default: Any = field.default
    if isinstance(default, attrs.Factory) and not default.takes_self:  # type: ignore[arg-type]
        default = default.factory()
    choices = literal_choices(hint)
    low = high = None
    for rule in described.rules:
        if isinstance(rule, OneOf):
            choices = rule.choices
        else:
            low, high = rule.low, rule.high
    words = "; ".join(rule.rule for rule in described.rules) or (OneOf(choices).rule if choices else "")
    return OptionInfo(
        name=field.alias or field.name,
        type=hint,
        default=default,
        help=described.help,
        unit=described.unit,
        choices=choices,
        rule=words,
        low=low,
        high=high,
        owner=cls.__name__,
    )


def parse_option(info: OptionInfo, text: str) -> object:
    """Return the value that a command-line string stands for; `build` checks its range.

    Args:
        info: the option, from `describe_options`.
        text: such as `"12"`, `"true"`, `"none"`, `"0.1,0.9"`.

    Raises:
        OptionTypeError: the text cannot be read as the option's type.
        OptionError: the text is none of the choices.
    """
    subject = f"option {info.name!r}" + (f" of {info.owner}" if info.owner else "")
    try:
        value = parse_text(text, info.type)
    except MismatchError as exc:
        if info.choices:
            raise OptionError(OneOf(info.choices).refusal(subject, text)) from None
        raise OptionTypeError(f"{subject} must be {exc}, received {brief(text)}") from None
    if info.choices and not any(same(value, choice) for choice in info.choices):
        raise OptionError(OneOf(info.choices).refusal(subject, value))
    return value


def parse_options(cls: type, texts: Mapping[str, str], subject: str) -> dict[str, object]:
    """Return the values of several command-line options, `{"samples": "8"}` to `{"samples": 8}`.

    Raises:
        OptionTypeError: an unknown option, or a text that is not of its type.
        OptionError: a text that is none of the choices.
    """
    infos = _known(cls, texts, subject)
    return {name: parse_option(infos[name], text) for name, text in texts.items()}


def _known(cls: type, options: Mapping[str, object], subject: str) -> dict[str, OptionInfo]:
    infos = {info.name: info for info in describe_options(cls)}
    for name in options:
        if name not in infos:
            hint = did_you_mean(name, infos) if isinstance(name, str) else ""
            has = f"its options: {listing(list(infos))}" if infos else "it takes no options"
            raise OptionTypeError(f"{subject} has no option {brief(name)}{hint or ';'} {has}")
    return infos


def build(cls: type[T], options: Mapping[str, object], subject: str) -> T:
    """Return an instance of a method or renderer class from the user's options.

    Args:
        cls: an attrs class whose fields are the options.
        options: keyword arguments as the user gave them.
        subject: how messages call it, such as `"method 'scorecam'"`.

    Raises:
        OptionTypeError: an unknown option (the nearest is suggested), or a value of the wrong type.
        OptionError: a value out of its range.
    """
    _known(cls, options, subject)
    try:
        return cls(**options)
    except VisionCamError:
        raise
    except TypeError as exc:
        raise OptionTypeError(f"{subject}: {exc}; received {brief(dict(options))}") from exc
    except ValueError as exc:
        raise OptionError(f"{subject}: {exc}; received {brief(dict(options))}") from exc
