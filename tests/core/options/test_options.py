"""Options: one line of code is a checked argument, a flag, a row of the docs and a widget."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import attrs
import numpy as np
import pytest

from visioncam_core.errors import OptionError, OptionTypeError, PluginError
from visioncam_core.options.as_text import values_of
from visioncam_core.options.fields import (
    build,
    describe_options,
    in_range,
    one_of,
    option,
    parse_option,
    parse_options,
)

if TYPE_CHECKING:
    from nowhere import Unreadable  # type: ignore[import-not-found]


@attrs.frozen
class Everything:
    samples: int = option(8, help="noisy copies", unit="copies", validator=in_range(1, 512))
    sigma: float = option(0.15, help="noise", validator=in_range(0, 1, low_open=True))
    relu: bool = option(True, help="drop the negative part")
    colormap: str = option("viridis", help="colours", choices=("viridis", "magma", "jet"))
    weights: Literal["logit", "probability"] = option("logit", help="what weighs")
    limit: float | None = option(None, help="upper limit", validator=in_range(low=0))
    span: tuple[float, float] = option((1.0, 99.0), help="percentiles", validator=in_range(0, 100))
    names: tuple[str, ...] = option((), help="labels")
    size: int | str = option("auto", help="width")
    where: Path = option(Path(), help="folder")
    anything: Any = option(None, help="passed on")


GOOD = [
    ("samples", 512, 512),
    ("samples", np.int64(3), 3),
    ("sigma", 1, 1.0),
    ("sigma", np.float32(0.5), 0.5),
    ("relu", False, False),
    ("relu", np.bool_(True), True),
    ("colormap", "jet", "jet"),
    ("colormap", np.str_("jet"), "jet"),
    ("weights", "probability", "probability"),
    ("limit", None, None),
    ("limit", 3, 3.0),
    ("span", [2, 98], (2.0, 98.0)),
    ("names", ["a", "b"], ("a", "b")),
    ("size", 5, 5),
    ("size", "auto", "auto"),
    ("where", Path("x"), Path("x")),
    ("anything", 3, 3),
]

WRONG_TYPE = [
    ("samples", True, "option 'samples' of Everything must be int, received True (bool)"),
    ("samples", 3.0, "must be int, received 3.0 (float)"),
    ("samples", "3", "must be int, received '3' (str)"),
    ("samples", None, "must be int, received None (NoneType)"),
    ("samples", np.bool_(True), "must be int, received np.True_ (bool)"),
    ("samples", np.arange(2), "must be int, received array([0, 1]) (ndarray)"),
    ("sigma", True, "must be float, received True (bool)"),
    ("sigma", 10**400, "must be a float that fits 64 bits"),
    ("relu", 1, "must be bool, received 1 (int)"),
    ("relu", "yes", "must be bool, received 'yes' (str)"),
    ("colormap", 3, "must be str, received 3 (int)"),
    ("weights", 3, "must be one of 'logit', 'probability', received 3 (int)"),
    ("limit", "high", "must be float or None, received 'high' (str)"),
    ("span", (1, 2, 3), "must be tuple (float, float), received (1, 2, 3) (tuple)"),
    ("span", "12", "must be tuple (float, float), received '12' (str)"),
    ("names", ("a", 1), "must be str, received ('a', 1) (tuple)"),
    ("size", 1.5, "must be int or str, received 1.5 (float)"),
    ("where", "x", "must be Path, received 'x' (str)"),
]

OUT_OF_RANGE = [
    ("samples", 0, "option 'samples' of Everything must be between 1 and 512, received 0"),
    ("samples", 513, "must be between 1 and 512, received 513"),
    ("sigma", 0, "must be greater than 0 and at most 1, received 0.0"),
    ("sigma", float("nan"), "must be a finite number, greater than 0 and at most 1; received nan"),
    ("limit", float("inf"), "must be a finite number, at least 0; received inf"),
    ("span", (1, 101), "must be between 0 and 100, received (1.0, 101.0)"),
    ("colormap", "virdis", "received 'virdis'; did you mean 'viridis'?"),
    (
        "weights",
        "prob",
        "must be one of 'logit', 'probability'; received 'prob'; did you mean 'probability'?",
    ),
]


@pytest.mark.parametrize(("name", "value", "expected"), GOOD)
def test_value_that_fits(name: str, value: object, expected: object) -> None:
    result = getattr(build(Everything, {name: value}, "x"), name)
    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(("name", "value", "words"), WRONG_TYPE)
def test_value_of_the_wrong_type(name: str, value: object, words: str) -> None:
    with pytest.raises(OptionTypeError) as caught:
        build(Everything, {name: value}, "x")
    assert words in str(caught.value).replace("(bool_)", "(bool)")
    assert isinstance(caught.value, TypeError)


@pytest.mark.parametrize(("name", "value", "words"), OUT_OF_RANGE)
def test_value_out_of_range(name: str, value: object, words: str) -> None:
    with pytest.raises(OptionError) as caught:
        build(Everything, {name: value}, "x")
    assert words in str(caught.value)
    assert not isinstance(caught.value, TypeError)


def test_rules_hold_without_the_registry_too() -> None:
    with pytest.raises(OptionError, match="option 'samples' of Everything must be between 1 and 512"):
        Everything(samples=0)
    assert attrs.evolve(Everything(), sigma=1).sigma == 1.0
    assert hash(Everything(sigma=1)) == hash(Everything(sigma=1.0))


def test_unknown_option_offers_the_nearest() -> None:
    with pytest.raises(
        OptionTypeError,
        match=r"method 'x' has no option 'sampels'; did you mean 'samples' or 'names'\? its options: ",
    ):
        build(Everything, {"sampels": 3}, "method 'x'")
    with pytest.raises(OptionTypeError, match="has no option 'zzz'; its options: 'samples', 'sigma'"):
        build(Everything, {"zzz": 3}, "method 'x'")


def test_rule_of_two_fields_is_an_option_error() -> None:
    @attrs.frozen
    class Pair:
        low: int = option(0, help="from")
        high: int = option(1, help="to", validator=attrs.validators.ge(0))

        def __attrs_post_init__(self) -> None:
            if self.low > self.high:
                raise ValueError(f"low={self.low} is above high={self.high}")

    with pytest.raises(OptionError, match=r"method 'pair': low=2 is above high=1; received {'low': 2}"):
        build(Pair, {"low": 2}, "method 'pair'")
    with pytest.raises(OptionError, match=r"method 'pair': .*'high' must be >= 0: -1; received {'high': -1}"):
        build(Pair, {"high": -1}, "method 'pair'")


def test_range_of_something_that_is_no_number() -> None:
    @attrs.frozen
    class Loose:
        value: float | str | bool = option(1, help="any", validator=[in_range(high=3, high_open=True)])

    with pytest.raises(OptionTypeError, match=r"must be a number less than 3, received 'x' \(str\)"):
        Loose("x")
    with pytest.raises(OptionTypeError, match=r"must be a number less than 3, received True \(bool\)"):
        Loose(True)
    with pytest.raises(OptionError, match="must be less than 3, received 3"):
        Loose(3)


def test_true_is_not_the_choice_one() -> None:
    @attrs.frozen
    class Choice:
        order: bool | int = option(1, help="order", validator=one_of(1, 3))

    assert Choice(3).order == 3
    with pytest.raises(OptionError, match="must be one of 1, 3; received True"):
        Choice(True)


# ------------------------------------------------------------------ descriptions


def test_description_is_enough_for_flags_tables_and_widgets() -> None:
    infos = {info.name: info for info in describe_options(Everything)}
    assert list(infos) == [field.name for field in attrs.fields(Everything)]
    samples = infos["samples"]
    assert (samples.type, samples.type_name, samples.default) == (int, "int", 8)
    assert (samples.help, samples.unit) == ("noisy copies", "copies")
    assert (samples.low, samples.high, samples.rule, samples.choices) == (1, 512, "between 1 and 512", None)
    assert samples.owner == "Everything"
    assert infos["sigma"].rule == "greater than 0 and at most 1"
    assert infos["colormap"].choices == ("viridis", "magma", "jet")
    assert infos["weights"].choices == ("logit", "probability")
    assert infos["weights"].rule == "one of 'logit', 'probability'"
    assert infos["limit"].type_name == "float or None"
    assert infos["span"].type_name == "tuple (float, float)"
    assert infos["names"].type_name == "tuple of str"
    assert infos["relu"].rule == ""


def test_description_of_plain_attrs_fields() -> None:
    @attrs.frozen
    class Plain:
        size: int = 3
        _hidden: tuple[int, ...] = attrs.field(factory=tuple)
        cache: dict[str, int] = attrs.field(init=False, factory=dict)

    names = [(info.name, info.default, info.help) for info in describe_options(Plain)]
    assert names == [("size", 3, ""), ("hidden", (), "")]
    assert build(Plain, {"hidden": (1,)}, "x") == Plain(3, (1,))


def test_mistakes_of_a_plugin_author_are_named() -> None:
    @attrs.frozen
    class Lost:
        value: Unreadable = option(1, help="unreadable")

    with pytest.raises(PluginError, match=r"annotations of Lost cannot be read \(NameError: .*'Unreadable'"):
        describe_options(Lost)
    with pytest.raises(PluginError, match=r"attrs class .* received <class 'int'>"):
        describe_options(int)
    with pytest.raises(PluginError, match="needs help=, one line that says what it does; received ' '"):
        option(1, help=" ")


# ------------------------------------------------------------------ from the command line

TEXTS = [
    ("samples", "12", 12),
    ("samples", " 12 ", 12),
    ("sigma", "1e-1", 0.1),
    ("relu", "no", False),
    ("relu", "True", True),
    ("colormap", "magma", "magma"),
    ("weights", "probability", "probability"),
    ("limit", "none", None),
    ("limit", "2.5", 2.5),
    ("span", "2,98", (2.0, 98.0)),
    ("span", "(2, 98)", (2.0, 98.0)),
    ("names", "a, b", ("a", "b")),
    ("names", "", ()),
    ("size", "7", 7),
    ("size", "auto", "auto"),
]


@pytest.mark.parametrize(("name", "text", "expected"), TEXTS)
def test_text_from_the_command_line(name: str, text: str, expected: object) -> None:
    value = parse_options(Everything, {name: text}, "x")[name]
    assert value == expected
    assert type(value) is type(expected)
    assert getattr(build(Everything, {name: value}, "x"), name) == expected


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("samples", "ten", "option 'samples' of Everything must be int, received 'ten'"),
        ("samples", "3.5", "must be int, received '3.5'"),
        ("relu", "maybe", "must be true or false, received 'maybe'"),
        ("limit", "high", "must be float or None, received 'high'"),
        ("span", "1,2,3", "must be tuple (float, float), received '1,2,3'"),
        ("colormap", "virdis", "received 'virdis'; did you mean 'viridis'?"),
        ("weights", "prob", "received 'prob'; did you mean 'probability'?"),
        ("where", "x", "must be Path, received 'x'"),
    ],
)
def test_text_that_cannot_be_read(name: str, text: str, words: str) -> None:
    (info,) = [info for info in describe_options(Everything) if info.name == name]
    with pytest.raises(OptionError) as caught:
        parse_option(info, text)
    assert words in str(caught.value)


def test_text_out_of_range_is_found_when_built() -> None:
    values = parse_options(Everything, {"sigma": "nan"}, "x")
    with pytest.raises(OptionError, match="finite"):
        build(Everything, values, "x")
    with pytest.raises(OptionTypeError, match="has no option 'smaples'; did you mean 'samples'"):
        parse_options(Everything, {"smaples": "3"}, "x")


@pytest.mark.parametrize(
    ("hint", "written"),
    [
        (str | np.ndarray | dict[str, np.ndarray], "TEXT"),
        (str | np.ndarray | None, "TEXT|none"),
        (int | None, "INT|none"),
        (Literal["a", "b"] | tuple[int, int], "a|b|INT,INT"),
    ],
)
def test_what_is_written_on_the_command_line(hint: Any, written: str) -> None:
    info = next(one for one in describe_options(Everything) if not one.choices)
    assert values_of(attrs.evolve(info, type=hint)) == written
