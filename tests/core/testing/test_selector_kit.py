"""The contract kit for layer selectors, the isolated registry, and `assert_loads`."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from helpers.plugins import install, plugin, select, spec

from visioncam_core.engine.layer_table import LayerChoice, LayerRow
from visioncam_core.errors import LayerError, NameNotFoundError, PluginError
from visioncam_core.plugins.hookspecs import hookimpl
from visioncam_core.testing import (
    Check,
    assert_loads,
    bare_table,
    isolated_registry,
    make_table,
    selector_checks,
)
from visioncam_core.testing.checks.selector import SELECTOR_CHECKS

Select = Callable[[Any, Any], Any]
FAULTS: dict[str, tuple[Select, str, str]] = {}


def outcome(check: Check) -> str:
    try:
        check()
    except AssertionError as error:
        return str(error) or "rejected without a word"
    return ""


def last(table: Any, query: Any) -> LayerChoice | None:
    """Answer `last:N`, the N-th layer from the end; the selector the faults are put into."""
    if not isinstance(query, str) or not query.startswith("last:"):
        return None
    rows = [row for row in table.candidates if row.reaches_score]
    number = query.removeprefix("last:")
    if not number.isdigit() or not 1 <= int(number) <= len(rows):
        raise LayerError(f"layer={query!r}: pass last:1 to last:{len(rows)}")
    return LayerChoice(rows[-int(number)], f"number {number} from the end")


def checks(select: Select) -> list[Check]:
    return selector_checks(selector(select), ["last:1", "last:8"], ["last:99", "last:x"])


def selector(select: Select) -> Any:
    def visioncam_select_layer(table: Any, query: Any) -> Any:
        return select(table, query)

    return visioncam_select_layer


def fault(check: str, words: str) -> Callable[[Select], Select]:
    def keep(select: Select) -> Select:
        FAULTS[select.__name__] = (select, check, words)
        return select

    return keep


@fault("answers", "returned None for 'last:1'; a query of its own gets a LayerChoice(row, why)")
def never_answers(table: Any, query: Any) -> Any:
    return None


@fault("answers", "raised AttributeError on 'last:1'")
def stumbles(table: Any, query: Any) -> Any:
    return None if last(table, query) is None else table.layers


@fault("answers", "which is not a row of the table it was given")
def makes_rows_up(table: Any, query: Any) -> Any:
    choice = last(table, query)
    return choice and LayerChoice(LayerRow("x", "x", "Conv2D", (1, 1, 1), None, (), (0,), True), "mine")


@fault("answers", "with layer 'logits', which cannot be explained: its output shape (None, 10)")
def takes_the_last_row(table: Any, query: Any) -> Any:
    return last(table, query) and LayerChoice(table.rows[-1], "the last row")


@fault("answers", "with layer 'aside/conv', which cannot be explained: the score does not depend on it")
def forgets_the_score(table: Any, query: Any) -> Any:
    return last(table, query) and LayerChoice(table.candidates[-1], "the last candidate")


@fault("answers", "without a reason in one line: why=''")
def gives_no_reason(table: Any, query: Any) -> Any:
    choice = last(table, query)
    return choice and attrs.evolve(choice, why="")


@fault("refuses", "answered 'last:99' with LayerChoice")
def clamps(table: Any, query: Any) -> Any:
    try:
        return last(table, query)
    except LayerError:
        return last(table, "last:1")


@fault(
    "refuses", "raised IndexError on 'last:99', which it cannot meet; raise visioncam_core.errors.LayerError"
)
def raises_plainly(table: Any, query: Any) -> Any:
    try:
        return last(table, query)
    except LayerError:
        raise IndexError("list index out of range") from None


@fault("refuses", "refuses 'last:99' without naming it; its message is 'no such layer'")
def names_nothing(table: Any, query: Any) -> Any:
    try:
        return last(table, query)
    except LayerError:
        raise LayerError("no such layer") from None


@fault("leaves-others-alone", "answered 'auto', which is not its query")
def greedy(table: Any, query: Any) -> Any:
    return last(table, query) or last(table, "last:1")


@fault("leaves-others-alone", "raised AttributeError on 0, which is not its query")
def expects_text(table: Any, query: Any) -> Any:
    return last(table, query) if query.startswith("last:") else None


@fault("other-tables", "raised IndexError on 'last:1' for a model without a layer that can be explained")
def expects_layers(table: Any, query: Any) -> Any:
    if isinstance(query, str) and query.startswith("last:"):
        table.candidates[0]
    return last(table, query)


@fault("same-answer-twice", "answered 'last:1' with")
def wanders(table: Any, query: Any, calls: list[int] = []) -> Any:  # noqa: B006  -- state is the fault
    choice = last(table, query)
    calls.append(0)
    return choice and LayerChoice(table.candidates[len(calls) % 2], "one or the other")


def test_a_right_selector_passes() -> None:
    assert [outcome(check) for check in checks(last)] == [""] * len(SELECTOR_CHECKS)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_rejected_by_the_right_check(name: str) -> None:
    select, check, words = FAULTS[name]
    found = {one.name: outcome(one) for one in checks(select)}
    assert words in found[check], found


def test_a_module_without_the_hook_is_rejected() -> None:
    found = {one.name: outcome(one) for one in selector_checks(plugin([spec()]), ["last:1"])}
    assert "local_plugin has no visioncam_select_layer, only visioncam_register_methods" in found["hook"]

    class Odd:
        @hookimpl
        def visioncam_select_layer(self, layers: Any) -> None: ...

    found = {one.name: outcome(one) for one in selector_checks(Odd(), ["last:1"])}
    assert "Odd cannot be loaded" in found["hook"]


def test_a_selector_whose_queries_are_taken_is_rejected() -> None:
    """`re:` belongs to VisionCam, which answers first."""

    def mine(table: Any, query: Any) -> Any:
        if query == "re:conv1":
            return LayerChoice(table.candidates[0], "mine")
        return None

    found = {one.name: outcome(one) for one in selector_checks(selector(mine), ["re:conv1"])}
    assert "for 're:conv1', VisionCam took 'aside/conv'" in found["through-the-registry"] or (
        "VisionCam took 'stage4/conv1'" in found["through-the-registry"]
    )


def test_every_check_rejects_something() -> None:
    tried = {check for _, check, _ in FAULTS.values()} | {"hook", "through-the-registry"}
    assert tried == set(SELECTOR_CHECKS)


def test_without_queries_the_kit_says_so() -> None:
    found = {one.name: outcome(one) for one in selector_checks(selector(last), [])}
    assert "name at least one query it answers" in found["answers"]


def test_tables_made_by_hand_are_like_real_ones() -> None:
    table = make_table([(8, 6), (4, 3)], each=3)
    assert [row.index for row in table.candidates] == list(range(7))
    assert table.candidates[0].path == "stage1/conv1"
    assert table.candidates[3].stride == (4, 4)
    assert [row.path for row in table.rows if row.refused] == ["twice/conv#1", "pool", "logits"]
    assert len(bare_table()) == 0


# ---- the isolated registry


def test_isolated_registry_holds_what_is_put_into_it(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "good")
    registry = isolated_registry(plugin([spec()], name="one"), plugin([spec(name="other")], name="two"))
    assert [row.name for row in registry.methods()] == ["localcam", "other"]
    assert select(registry, make_table(), "auto").path == "stage4/conv2"
    with pytest.raises(NameNotFoundError):
        registry.method("goodcam")


@pytest.mark.parametrize(
    ("plugins", "words"),
    [
        ([plugin(None)], "have you forgotten the return?"),
        ([plugin([spec()], name="one"), plugin([spec()], name="two")], "two methods named 'localcam'"),
        ([plugin([], VISIONCAM_API_VERSION=99)], "made for plugin API version 99"),
    ],
)
def test_isolated_registry_accepts_nothing_broken(plugins: list[object], words: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(PluginError, match=words):
            isolated_registry(*plugins)


# ---- assert_loads


def test_assert_loads_accepts_a_good_distribution(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "good", "raises")  # somebody else's fault is not ours
    (found,) = assert_loads("Fake_Good", names=["goodcam", "goodsheet"])
    assert (found.name, found.version, len(found.hooks)) == ("good", "1.2", 3)
    with pytest.raises(
        AssertionError, match=r"fake-good does not provide bestcam; it provides goodcam, goodsheet"
    ):
        assert_loads("fake-good", names=["bestcam"])


@pytest.mark.parametrize(
    ("fake", "words"),
    [
        ("raises", "plugin 'raises' of fake-raises 0.3: import: RuntimeError: boom on import\nTraceback"),
        ("clash", "clash: the method name 'gradcam' is taken by the built-in Grad-CAM"),
        ("exits", r"sys.exit\(3\)"),
        ("heavy", "fake-heavy imports matplotlib.pyplot as soon as it is listed"),
    ],
)
def test_assert_loads_says_what_is_wrong(monkeypatch: pytest.MonkeyPatch, fake: str, words: str) -> None:
    install(monkeypatch, fake)
    with pytest.raises(AssertionError, match=words):
        assert_loads(f"fake-{fake}")


def test_assert_loads_names_what_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "good", "twin_a")
    with pytest.raises(AssertionError) as caught:
        assert_loads("my-cam")
    assert "'my-cam' is not installed with an entry point of the group 'visioncam'" in str(caught.value)
    assert "pip install -e ." in str(caught.value)
    assert "fake-good" in str(caught.value)
