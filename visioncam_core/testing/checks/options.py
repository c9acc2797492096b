"""Checks of the form of a method or renderer: its options, its repr, its docstring."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Iterator
from typing import Any

import attrs

from visioncam_core.errors import OptionTypeError, VisionCamError
from visioncam_core.options.fields import OptionInfo, describe_options
from visioncam_core.testing.checks.subject import Subject, require


def options_documented(subject: Subject) -> None:
    """Every option has a default, a type and one line of help."""
    for info in describe_options(subject.cls):
        what = f"option {info.name!r} of {subject.name}"
        require(info.default is not attrs.NOTHING, f"{what} has no default")
        require(info.help, f"{what} has no help; write {info.name} = option(..., help='what it does')")
        require(info.type not in (Any, object), f"{what} is annotated {info.type}; say what it may be")
        require(
            info.name not in subject.reserved,
            f"{what} has the name of a keyword of the function that takes it, so it would never "
            "be set; rename it",
        )


def options_validated(subject: Subject) -> None:
    """A value of the wrong type or out of range is refused with an error of ours that names the option."""
    for info in describe_options(subject.cls):
        what = f"option {info.name!r} of {subject.name}"
        if _numeric(info):
            bounded = info.low is not None or info.high is not None or info.choices
            require(
                bounded or any(_refuses(subject, info, far) for far in (-1e300, 1e300, -(10**300), 10**300)),
                f"{what} is a number without bounds; give it validator=in_range(...) or choices=(...)",
            )
        for value in _wrong(info):
            try:
                subject.cls(**{info.name: value})
            except VisionCamError as error:
                require(
                    info.name in str(error),
                    f"{what} refuses {value!r}, but the message does not name it: {error}",
                )
            except Exception as error:
                raise AssertionError(
                    f"{what} refuses {value!r} with {type(error).__name__}; make it with "
                    "visioncam_core.options.fields.option, whose errors name the option and the rule"
                ) from error
            else:
                raise AssertionError(
                    f"{what} accepts {value!r}, which it must not (rule: {info.rule or 'none'})"
                )


def frozen(subject: Subject) -> None:
    """Options cannot be changed once the object is made."""
    require(attrs.has(subject.cls), f"{subject.name} must be an attrs class (@attrs.frozen)")
    for field in attrs.fields(subject.cls):
        try:
            setattr(subject.instance, field.name, getattr(subject.instance, field.name))
        except AttributeError:  # attrs.FrozenInstanceError is one
            continue
        raise AssertionError(
            f"{subject.name}.{field.name} can be assigned to; decorate the class with @attrs.frozen, since "
            "one object serves many threads"
        )


def repr_round_trips(subject: Subject) -> None:
    """What `repr` prints, evaluated, makes the same object."""
    for made in (subject.instance, *variants(subject)):
        text = repr(made)
        head, _, rest = text.partition("(")
        require(head.rpartition(".")[2] == subject.name and rest, f"repr of {subject.name} is {text}")
        try:
            again = eval(f"made({rest}", {"made": subject.cls, "inf": float("inf"), "nan": float("nan")})
        except Exception as error:
            raise AssertionError(f"repr of {subject.name}, {text}, cannot be evaluated: {error}") from error
        require(
            attrs.asdict(again) == attrs.asdict(made),
            f"repr of {subject.name}, {text}, makes {again!r}; every option must be in it",
        )


def docstring(subject: Subject) -> None:
    """The docstring has the equation and the reference, with its year."""
    text = inspect.cleandoc(subject.cls.__doc__ or "")
    head, mark, references = text.partition("References:")
    require(text, f"{subject.name} has no docstring")
    require(
        re.search(r"\S\s*=\s*\S", head),
        f"the docstring of {subject.name} has no equation; write it under 'Notes:', such as "
        "M_p = Σ_k w_k A_pk, and say what its letters and shapes are",
    )
    require(
        mark and re.search(r"\b(19|20)\d\d\b", references),
        f"the docstring of {subject.name} has no reference with a year; write it under 'References:'",
    )


def _refuses(subject: Subject, info: OptionInfo, value: Any) -> bool:
    """Return whether an option refuses a value by a rule of its author's own; a wrong type does not count."""
    try:
        subject.cls(**{info.name: value})
    except OptionTypeError:
        return False
    except VisionCamError:
        return True
    return False


def _numeric(info: OptionInfo) -> bool:
    return any(kind in (int, float) for kind in typing.get_args(info.type) or (info.type,))


def _wrong(info: OptionInfo) -> list[Any]:
    values: list[Any] = [object()]
    if info.choices:
        values.append("no such choice")
    if info.low is not None:
        values.append(info.low - 1)
    if info.high is not None:
        values.append(info.high + 1)
    if _numeric(info):
        values += [float("nan"), "three"]
    return values


def variants(subject: Subject, *, highest: bool = True) -> Iterator[Any]:
    """Yield objects with one option each that differs from the default, where a good value can be told.

    Args:
        subject: whose options.
        highest: upper bounds too; they may be slow to run.
    """
    for info in describe_options(subject.cls):
        values: list[Any] = [not info.default] if isinstance(info.default, bool) else list(info.choices or ())
        values += [bound for bound in (info.low, info.high if highest else None) if bound is not None]
        for value in values:
            try:
                yield subject.cls(**{info.name: value})
            except VisionCamError:  # an open bound, or an option that needs another one
                continue
