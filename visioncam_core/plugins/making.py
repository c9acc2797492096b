"""From what a user passes as `method=`, `renderer=` or `metrics=` to an object that can be called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from visioncam_core.errors import NameNotFoundError, OptionTypeError
from visioncam_core.options.fields import build
from visioncam_core.plugins.catalogue import Catalogue
from visioncam_core.plugins.specs import MethodSpec, MetricSpec, RendererSpec
from visioncam_core.text import listing, shown

Spec = TypeVar("Spec", MethodSpec, RendererSpec, MetricSpec)


def find(rows: Catalogue[Spec], name: str, absent: Sequence[str] = ()) -> Spec:
    """Return the row of this name.

    Args:
        rows: where to look.
        name: a name or alias in any spelling, or `distribution:name`.
        absent: plugins that are not loaded, for the message: the name may be one of theirs.

    Raises:
        NameNotFoundError: there is none, or several strangers bring it.
        OptionTypeError: the name is not text.
    """
    try:
        return rows.find(name)
    except NameNotFoundError as exc:
        if not absent:
            raise
        raise NameNotFoundError(f"{exc}; plugins that are not loaded: {', '.join(absent)}") from None


def make(
    rows: Catalogue[Spec], wanted: object, options: Mapping[str, object], absent: Sequence[str] = ()
) -> tuple[Spec | None, object]:
    """Return the object to call, and its row if there is one.

    Args:
        rows: where to look a name up.
        wanted: a name, a row, or an object that can be called as it is.
        options: for a name or row; refused beside an object.
        absent: as in `find`.

    Raises:
        NameNotFoundError: an unknown name.
        OptionTypeError: an unknown option, a value of the wrong type, a class instead of an object,
            options beside an object, or nothing that can be called.
        OptionError: a value out of its range.
    """
    kind = rows.kind
    if isinstance(wanted, (MethodSpec, RendererSpec, MetricSpec)):
        wanted = wanted.name
    if isinstance(wanted, str):
        spec = find(rows, wanted, absent)
        return spec, build(spec.cls, options, f"{kind} {spec.name!r}")
    if isinstance(wanted, type):
        name = wanted.__name__
        raise OptionTypeError(
            f"{kind}={name} is a class; have you forgotten the ()? write {kind}={name}(...)"
        )
    if not callable(wanted):
        raise OptionTypeError(
            f"{kind} must be a name or a {kind} object, received {shown(wanted)} ({type(wanted).__name__})"
        )
    if options:
        raise OptionTypeError(
            f"options {listing(list(options))} were passed beside the {kind} object {shown(wanted)}; "
            f"give them to the object itself: {type(wanted).__name__}(...)"
        )
    return next((row for row in rows.rows if row.cls is type(wanted)), None), wanted
