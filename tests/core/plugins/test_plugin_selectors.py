"""Layer selectors: who is asked first, and what a broken one costs."""

from __future__ import annotations

import sys
from typing import Any

import attrs
import pluggy
import pytest
from helpers.plugins import OURS, info, install, loaded, select, table, warned

from visioncam_core.engine.layer_table import LayerChoice, LayerTable
from visioncam_core.errors import (
    LayerError,
    PluginError,
)
from visioncam_core.plugins import hookspecs
from visioncam_core.plugins.hooks import call_order
from visioncam_core.plugins.hookspecs import hookimpl
from visioncam_core.plugins.registry import Registry


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    install(monkeypatch)
    return Registry(OURS, discover=False)


def test_raising_selector_is_skipped_with_one_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "selector_raises", "good")
    registry = Registry(OURS)
    assert loaded(registry) == []
    layers = table("a", "b", "c")
    choice, messages = warned(lambda: select(registry, layers, "good:1"))
    assert choice.path == "b"
    (message,) = messages
    for word in ("'selector_raises'", "fake-selector-raises 0.20", "'select-layer'", "boom about good:1"):
        assert word in message
    choice, messages = warned(lambda: select(registry, layers, "auto"))
    assert (choice.path, messages) == ("c", [])
    assert info(registry, "selector_raises").status == "failed"
    assert "fake_selector_raises.py" in info(registry, "selector_raises").traceback
    monkeypatch.setenv("VISIONCAM_STRICT_PLUGINS", "1")
    with pytest.raises(PluginError, match="boom about auto"):
        select(registry, layers, "auto")


def test_no_stranger_hijacks_an_exact_name(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "selector_greedy")
    registry = Registry(OURS)
    assert select(registry, table("a", "b"), "b").why == "exact"
    auto = select(registry, table("a", "b"), "auto")  # a stranger may know better here, and is named
    assert auto.why == "greedy (plugin 'selector_greedy' of fake-selector-greedy 0.21)"


def test_selector_that_returns_something_else_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "selector_junk")
    registry = Registry(OURS)
    assert select(registry, table("a"), "auto").path == "a"
    with pytest.raises(PluginError, match=r"'selector_junk' of fake-selector-junk 0.22 .* received 'conv1'"):
        select(registry, table("a"), "junk:1")


def test_a_selector_of_a_plugin_is_called_every_time_and_also_when_it_comes_late(registry: Registry) -> None:
    class Later:
        calls = 0

        @hookimpl
        def visioncam_select_layer(self, table: LayerTable, query: Any) -> LayerChoice | None:
            self.calls += 1
            return LayerChoice(table.rows[0], "later") if self.calls > 1 and query == "auto" else None

    layers = table("a", "b")
    assert [select(registry, layers, "auto").path for _ in range(2)] == [
        "b",
        "b",
    ]  # ours, kept for this table
    registry.add_plugin(Later(), "later", "others")
    assert [select(registry, layers, "auto").path for _ in range(2)] == ["b", "a"]


def test_a_query_nobody_understands(registry: Registry) -> None:
    with pytest.raises(
        LayerError, match=r"layer='blokc:4' is not known to any layer selector.* visioncam.layers\(model\)"
    ):
        select(registry, table("a"), "blokc:4")


def test_faults_of_our_own_selectors_raise(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "selector_raises")
    with pytest.raises(RuntimeError, match="boom about auto"):
        select(Registry(["fake_selector_raises"], discover=False), table("a"), "auto")


def test_what_selectors_say_about_a_query_is_in_the_error(registry: Registry) -> None:
    class OddError(LayerError):
        pass

    class Plugin:
        @hookimpl
        def visioncam_select_layer(self, query: Any) -> None:
            raise OddError(f"{query} is odd")

    registry.add_plugin(Plugin(), "odd")
    assert select(registry, table("a"), "auto").path == "a"
    with pytest.raises(LayerError, match=r"^odd:1 is odd \(plugin 'odd' of local\)$"):
        select(registry, table("a"), "odd:1")


def test_error_of_our_own_selector_is_kept_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    class OddError(LayerError):
        pass

    class Ours:
        @hookimpl(trylast=True)
        def visioncam_select_layer(self, query: Any) -> None:
            raise OddError(f"{query} is odd")

    class Stranger:
        @hookimpl
        def visioncam_select_layer(self, query: Any) -> None:
            if query != "mine":
                raise LayerError("no such block")

    monkeypatch.setitem(sys.modules, "fake_odd", Ours())
    registry = Registry(["fake_odd"], discover=False)
    registry.add_plugin(Stranger(), "blocks")
    with pytest.raises(OddError, match=r"^mine is odd$"):
        select(registry, table("a"), "mine")
    with pytest.raises(LayerError, match=r"^no such block \(plugin 'blocks' of local\); other is odd$"):
        select(registry, table("a"), "other")


def selector(label: str, calls: list[str], **order: bool) -> object:
    class Plugin:
        @hookimpl(**order)
        def visioncam_select_layer(self, query: Any = "default") -> None:
            calls.append(label)
            assert query == "nothing"

    return Plugin()


def test_selectors_are_asked_in_pluggys_order(registry: Registry) -> None:
    calls: list[str] = []
    orders: list[dict[str, bool]] = [{"trylast": True}, {}, {"tryfirst": True}] * 2
    strangers = [selector(f"{number}", calls, **order) for number, order in enumerate(orders)]
    for number, stranger in enumerate(strangers):
        registry.add_plugin(stranger, f"s{number}")
    with pytest.raises(LayerError):
        select(registry, table("a"), "nothing")
    ours, calls[:] = calls.copy(), []

    manager = pluggy.PluginManager("visioncam")
    manager.add_hookspecs(hookspecs)
    for stranger in strangers:
        manager.register(stranger)
    for raw in reversed(manager.hook.visioncam_select_layer.get_hookimpls()):
        raw.function("nothing")
    assert ours == calls == ["5", "2", "4", "1", "0", "3"]


def test_our_exact_selector_is_first_and_our_auto_last(registry: Registry) -> None:
    class Eager:
        @hookimpl(tryfirst=True)
        def visioncam_select_layer(self, table: Any, query: Any) -> LayerChoice:
            return LayerChoice(table.rows[0], "eager")

    registry.add_plugin(Eager(), "eager")
    assert select(registry, table("a", "b"), "b").why == "exact"
    assert select(registry, table("a", "b"), "auto").why.startswith("eager (plugin")
    assert len(call_order([Eager(), Eager()], "visioncam_select_layer")) == 2


def answering(choice: Any) -> object:
    class Plugin:
        @hookimpl
        def visioncam_select_layer(self, table: Any, query: Any) -> Any:
            return choice(table) if query == "mine:1" else None

    return Plugin()


def test_a_row_that_is_none_of_the_tables_is_named(registry: Registry) -> None:
    registry.add_plugin(answering(lambda _: LayerChoice(table("elsewhere").rows[0], "mine")), "mine")
    with pytest.raises(
        PluginError, match=r"plugin 'mine' of local answered layer='mine:1' with LayerRow.*'e"
    ):
        select(registry, table("a"), "mine:1")


def test_a_row_that_cannot_be_explained_is_refused(registry: Registry) -> None:
    registry.add_plugin(answering(lambda layers: LayerChoice(layers.rows[0], "mine")), "mine")
    rows = table("a", "b").rows
    refused = LayerTable((attrs.evolve(rows[0], refused="it has no space"), rows[1]), (8, 8))
    with pytest.raises(LayerError, match=r"'a' cannot be explained: it has no space; .* 'b'"):
        select(registry, refused, "mine:1")
    idle = LayerTable((attrs.evolve(rows[0], reaches_score=False), rows[1]), (8, 8))
    with pytest.raises(LayerError, match="does not depend on layer 'a'"):
        select(registry, idle, "mine:1")
