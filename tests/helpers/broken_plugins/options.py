"""Methods that compute the right map and are written wrongly; the kit must reject them."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs

from helpers.broken_plugins.methods import BOTH, DOC, Fault, gradcam
from visioncam_core.options.fields import in_range, option


class Right:
    """The part that is right, so that each class below shows its fault alone."""

    __slots__ = ()
    needs: ClassVar[frozenset[str]] = BOTH

    def __call__(self, evidence: Any) -> Any:
        return gradcam(evidence)


@attrs.frozen
class NoHelp(Right):
    __doc__ = DOC
    n: str = "a"


@attrs.frozen
class AnyType(Right):
    __doc__ = DOC
    n: Any = option(3, help="copies")


@attrs.frozen
class TakesAKeyword(Right):
    __doc__ = DOC
    layer: str = option("a", help="copies", choices=("a", "b"))


@attrs.frozen
class NoBounds(Right):
    __doc__ = DOC
    n: int = option(3, help="copies")


@attrs.frozen
class NoRule(Right):
    __doc__ = DOC
    n: str = attrs.field(default="a", metadata=attrs.fields(NoBounds).n.metadata)


@attrs.frozen
class PlainError(Right):
    __doc__ = DOC
    n: str = attrs.field(default="a", validator=attrs.validators.in_(["a", "b"]))


@attrs.define
class Mutable(Right):
    __doc__ = DOC
    n: int = option(3, help="copies", validator=in_range(1, 9))


@attrs.frozen
class HiddenOption(Right):
    __doc__ = DOC
    n: int = option(3, help="copies", validator=in_range(1, 9))

    def __repr__(self) -> str:
        return "HiddenOption()"


@attrs.frozen
class OddRepr(Right):
    __doc__ = DOC

    def __repr__(self) -> str:
        return "<OddRepr>"


@attrs.frozen
class NoDocstring(Right):
    pass


@attrs.frozen
class NoEquation(Right):
    """A method that shows everything.

    References:
        Nobody, 2026.
    """


@attrs.frozen
class NoReference(Right):
    """A method that shows everything.

    Notes:
        M_p = 1
    """


@attrs.frozen
class NoYear(Right):
    """A method that shows everything.

    Notes:
        M_p = 1

    References:
        Nobody, yet.
    """


@attrs.frozen
class UntriedChoice:
    __doc__ = DOC
    mean: bool = option(True, help="the mean, not the sum")
    needs: ClassVar[frozenset[str]] = BOTH

    def __call__(self, evidence: Any) -> Any:
        return gradcam(evidence, None if self.mean else evidence.gradients.sum())


FORM_FAULTS = {
    "untried_choice": Fault(UntriedChoice, "every-choice", "as UntriedChoice(mean=False)"),
    "no_help": Fault(NoHelp, "options-documented", "has no help"),
    "any_type": Fault(AnyType, "options-documented", "say what it may be"),
    "takes_a_keyword": Fault(TakesAKeyword, "options-documented", "the name of a keyword of the function"),
    "no_bounds": Fault(NoBounds, "options-validated", "a number without bounds"),
    "no_rule": Fault(NoRule, "options-validated", "accepts <object"),
    "plain_error": Fault(PlainError, "options-validated", "with ValueError"),
    "mutable": Fault(Mutable, "frozen", "Mutable.n can be assigned to"),
    "hidden_option": Fault(HiddenOption, "repr-round-trips", "every option must be in it"),
    "odd_repr": Fault(OddRepr, "repr-round-trips", "repr of OddRepr is <OddRepr>"),
    "no_docstring": Fault(NoDocstring, "docstring", "has no docstring"),
    "no_equation": Fault(NoEquation, "docstring", "has no equation"),
    "no_reference": Fault(NoReference, "docstring", "has no reference"),
    "no_year": Fault(NoYear, "docstring", "has no reference with a year"),
}
