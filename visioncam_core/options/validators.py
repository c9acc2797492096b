"""The rules an option's value must keep: a range, or a list of choices.

Each rule is an attrs validator that can also be read: its bounds make a
slider, its words make a row of the docs.
"""

from __future__ import annotations

import math
from typing import Any

import attrs

from visioncam_core.errors import OptionError, OptionTypeError
from visioncam_core.options.coercion import same
from visioncam_core.text import brief, did_you_mean, listing


def subject_of(instance: object, attribute: attrs.Attribute[Any]) -> str:
    """Return how messages call an option, such as `"option 'samples' of ScoreCAM"`."""
    return f"option {attribute.alias or attribute.name!r} of {type(instance).__name__}"


@attrs.frozen
class InRange:
    """Accepts finite numbers between two bounds; of a tuple, every item; `None` passes.

    Attributes:
        low: the lower bound, or `None`.
        high: the upper bound, or `None`.
        low_open: whether `low` itself is refused.
        high_open: whether `high` itself is refused.
    """

    low: float | None = None
    high: float | None = None
    low_open: bool = False
    high_open: bool = False

    @property
    def rule(self) -> str:
        """The rule in words, such as `"greater than 0 and at most 1"`."""
        if self.low is not None and self.high is not None and not (self.low_open or self.high_open):
            return f"between {self.low} and {self.high}"
        parts = []
        if self.low is not None:
            parts.append(f"{'greater than' if self.low_open else 'at least'} {self.low}")
        if self.high is not None:
            parts.append(f"{'less than' if self.high_open else 'at most'} {self.high}")
        return " and ".join(parts) or "finite"

    def __call__(self, instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
        """Raise OptionError for a number outside, OptionTypeError for what is no number."""
        for number in value if isinstance(value, tuple) else (value,):
            if number is None:
                continue
            what = subject_of(instance, attribute)
            if isinstance(number, bool) or not isinstance(number, (int, float)):
                raise OptionTypeError(
                    f"{what} must be a number {self.rule}, received {brief(value)} ({type(value).__name__})"
                )
            if not math.isfinite(number):
                raise OptionError(f"{what} must be a finite number, {self.rule}; received {brief(value)}")
            below = self.low is not None and (number <= self.low if self.low_open else number < self.low)
            above = self.high is not None and (number >= self.high if self.high_open else number > self.high)
            if below or above:
                raise OptionError(f"{what} must be {self.rule}, received {brief(value)}")


@attrs.frozen
class OneOf:
    """Accepts only the listed values.

    Attributes:
        choices: the values, in the order in which they are shown.
    """

    choices: tuple[object, ...]

    @property
    def rule(self) -> str:
        """The rule in words, such as `"one of 'logit', 'probability'"`."""
        return f"one of {listing(self.choices)}"

    def __call__(self, instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
        """Raise OptionError, with the nearest choice, for any other value."""
        if not any(same(value, choice) for choice in self.choices):
            raise OptionError(self.refusal(subject_of(instance, attribute), value))

    def refusal(self, subject: str, value: object) -> str:
        """Return the message for a value that is not among the choices."""
        words = [choice for choice in self.choices if isinstance(choice, str)]
        hint = did_you_mean(value, words) if isinstance(value, str) else ""
        return f"{subject} must be {self.rule}; received {brief(value)}{hint}"


def in_range(
    low: float | None = None, high: float | None = None, *, low_open: bool = False, high_open: bool = False
) -> InRange:
    """Return a validator for finite numbers between bounds.

    Args:
        low: the lower bound, allowed itself unless `low_open`; `None` for none.
        high: the upper bound, allowed itself unless `high_open`; `None` for none.
        low_open: refuse `low` itself.
        high_open: refuse `high` itself.
    """
    return InRange(low, high, low_open, high_open)


def one_of(*choices: object) -> OneOf:
    """Return a validator that accepts only these values."""
    return OneOf(choices)
