"""Names, rows, and how a name becomes an object; plugins that are not installed."""

from __future__ import annotations

import sys
import types
from typing import Any, ClassVar

import attrs
import pluggy
import pytest
from support_plugins import OURS, install, loaded, table, warned

from visioncam_core import hookspecs
from visioncam_core.errors import (
    LayerError,
    NameNotFoundError,
    OptionError,
    OptionTypeError,
    PluginError,
)
from visioncam_core.hooks import call_order
from visioncam_core.hookspecs import hookimpl
from visioncam_core.layers import LayerChoice
from visioncam_core.names import listing, nearest, normalise, not_found, shown
from visioncam_core.registry import Registry
from visioncam_core.specs import MethodSpec, RendererSpec


@attrs.frozen
class LocalCAM:
    needs: ClassVar[frozenset[str]] = frozenset({"activations"})

    def __call__(self, evidence: Any) -> Any:
        return evidence


def spec(**changes: Any) -> MethodSpec:
    fields: dict[str, Any] = {"name": "localcam", "cls": LocalCAM, "title": "Local-CAM"}
    return MethodSpec(**(fields | {"reference": "none", "summary": "A test."} | changes))


def plugin(*answers: Any, name: str = "local_plugin", **attributes: Any) -> types.ModuleType:
    """Return a module whose method hook returns the answer."""
    module = types.ModuleType(name)

    @hookimpl
    def visioncam_register_methods() -> Any:
        return answers[0]

    vars(module).update({"visioncam_register_methods": visioncam_register_methods, **attributes})
    return module


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    install(monkeypatch)
    return Registry(OURS, discover=False)


# ------------------------------------------------------------------ names


@pytest.mark.parametrize(
    ("spelling", "expected"),
    [
        ("Grad-CAM++", "gradcamplusplus"),
        ("grad_cam plus plus", "gradcamplusplus"),
        ("Grad\u2011CAM", "gradcam"),  # the dash that PDFs give
        ("XGradCAM", "xgradcam"),
    ],
)
def test_spellings_of_one_name(spelling: str, expected: str) -> None:
    assert normalise(spelling) == expected


def test_nearest_names() -> None:
    names = ["gradcam", "gradcamplusplus", "scorecam", "tabby, tabby cat"]
    assert nearest("grad-cam ++", names)[0] == "gradcamplusplus"
    assert nearest("scorcam", names)[0] == "scorecam"
    assert nearest("tabby", names) == ["tabby, tabby cat"]
    assert nearest("zzzz", names) == []


def test_error_for_an_unknown_name_offers_and_lists() -> None:
    error = not_found("method", "grdcam", ["gradcam", "scorecam"], also=["saliency"])
    assert str(error) == "unknown method 'grdcam'; did you mean 'gradcam'? known: 'gradcam', 'scorecam'"
    assert "did you mean 'saliency'" in str(not_found("renderer", "salency", ["overlay"], also=["saliency"]))
    assert "known: none" in str(not_found("method", "x", []))


def test_long_values_and_lists_are_cut() -> None:
    class Hostile:
        def __repr__(self) -> str:
            raise RuntimeError("no")

    assert len(shown("x" * 1000)) == 120
    assert shown(Hostile()) == "<Hostile whose repr raises RuntimeError>"
    assert listing(range(23)).endswith("19 and 3 more")


# ------------------------------------------------------------------ rows


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "Local-CAM++"}, "MethodSpec.name .* 'Local-CAM\\+\\+'; write 'localcamplusplus'"),
        ({"name": None}, "MethodSpec.name .* received None"),
        ({"title": ""}, "MethodSpec.title must be one line of text, received ''"),
        ({"summary": "two\nlines"}, "MethodSpec.summary must be one line"),
        ({"aliases": "lcam"}, "tuple of words, received 'lcam'"),
        ({"aliases": ("a:b",)}, "MethodSpec.aliases must be words without a colon, received 'a:b'"),
        ({"cls": LocalCAM()}, "must be a class, not an instance; received LocalCAM"),
        ({"cls": int}, "attrs class .* received <class 'int'>"),
    ],
)
def test_wrong_rows_say_what_is_wrong(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(PluginError, match=words):
        spec(**changes)


def test_wrong_classes_say_what_is_wrong() -> None:
    @attrs.frozen
    class NoCall:
        needs: ClassVar[frozenset[str]] = frozenset()

    @attrs.frozen
    class TwoArguments:
        needs: ClassVar[frozenset[str]] = frozenset()

        def __call__(self, evidence: Any, more: Any) -> Any:
            return evidence

    @attrs.frozen
    class NoDefault:
        power: float
        needs: ClassVar[frozenset[str]] = frozenset()

        def __call__(self, evidence: Any) -> Any:
            return evidence

    @attrs.frozen
    class NoNeeds:
        def __call__(self, evidence: Any) -> Any:
            return evidence

    words = {
        NoCall: r"NoCall has no __call__\(self, evidence\)",
        TwoArguments: r"TwoArguments.__call__ must accept exactly \(self, evidence\)",
        NoDefault: "every option of NoDefault needs a default; these have none: power",
        NoNeeds: "NoNeeds.needs must be a frozenset .* received None",
    }
    for cls, pattern in words.items():
        with pytest.raises(PluginError, match=pattern):
            spec(cls=cls)
    assert RendererSpec("sheet", NoNeeds, "Sheet").cls is NoNeeds  # a renderer needs no `needs`


# ------------------------------------------------------------------ a name becomes an object


def test_names_find_rows(registry: Registry) -> None:
    assert [row.name for row in registry.methods()] == ["gradcam", "smoothcam"]
    assert registry.method("Smooth CAM++") is registry.method("smoothcam") is registry.methods()[1]
    assert registry.renderer("SALIENCY").name == "overlay"
    with pytest.raises(
        NameNotFoundError, match=r"unknown method 'gradcan'; did you mean 'gradcam'\? known: 'gra"
    ):
        registry.method("gradcan")
    with pytest.raises(NameNotFoundError, match="unknown renderer 'pie'"):
        registry.renderer("pie")
    with pytest.raises(NameNotFoundError, match="unknown method 'other:gradcam'; did you mean"):
        registry.method("other:gradcam")
    with pytest.raises(
        OptionTypeError, match=r"method must be a name or a method object, received 5 \(int\)"
    ):
        registry.method(5)  # type: ignore[arg-type]


def test_name_and_options_make_an_object(registry: Registry) -> None:
    row, method = registry.make_method("smoothcam", {"samples": 3})
    assert row is registry.method("smoothcam")
    assert repr(method) == "SmoothCAM(samples=3)"
    assert registry.make_method(registry.methods()[0]) == registry.make_method("gradcam")
    with pytest.raises(
        OptionTypeError, match=r"method 'smoothcam' has no option 'sample'; did you mean 'samples'\?"
    ):
        registry.make_method("smoothcam", {"sample": 3})
    with pytest.raises(OptionTypeError, match="'gradcam' has no option 'samples'; it takes no options"):
        registry.make_method("gradcam", {"samples": 3})
    with pytest.raises(OptionError, match="option 'alpha' of Overlay must be between 0 and 1, received 2"):
        registry.make_renderer("overlay", {"alpha": 2})


def test_object_passes_through(registry: Registry) -> None:
    cls: Any = registry.method("smoothcam").cls
    method = cls(samples=4)
    assert registry.make_method(method) == (registry.method("smoothcam"), method)
    assert registry.make_method(LocalCAM()) == (None, LocalCAM())
    with pytest.raises(
        OptionTypeError, match=r"options 'samples' .* SmoothCAM\(samples=4\); give them to the obj"
    ):
        registry.make_method(method, {"samples": 3})
    with pytest.raises(OptionTypeError, match=r"method=SmoothCAM is a class; have you forgotten the \(\)\?"):
        registry.make_method(cls)
    with pytest.raises(OptionTypeError, match=r"renderer must be a name .* received None \(NoneType\)"):
        registry.make_renderer(None)


# ------------------------------------------------------------------ plugins that are not installed


def test_local_plugin_is_added_and_replaced(registry: Registry) -> None:
    found = registry.add_plugin(plugin([spec()]), "mine")
    assert (found.status, found.distribution, found.hooks) == (
        "loaded",
        "local",
        ("visioncam_register_methods",),
    )
    assert registry.method("local:localcam") is registry.method("localcam")
    registry.add_plugin(plugin([spec(title="Second")]), "mine")
    assert registry.method("localcam").title == "Second"
    assert [one.name for one in registry.plugins()] == ["fake_ours", "mine"]


def test_one_module_twice_is_one_clash(registry: Registry) -> None:
    module = plugin([spec()])
    registry.add_plugin(module, "one")
    _, messages = warned(lambda: registry.add_plugin(module, "two"))
    assert len(messages) == 1
    assert "plugin 'two' of local has a problem" in messages[0]
    assert "local brings two methods named 'localcam'; the second is left out" in messages[0]
    assert registry.select_layer(table("a"), "auto").path == "a"


@pytest.mark.parametrize(
    ("module", "words"),
    [
        (
            plugin(None),
            "must return a list of MethodSpec rows, received None; have you forgotten the return?",
        ),
        (plugin(spec()), "have you forgotten the list around it?"),
        (plugin("localcam"), "must return a list of MethodSpec rows, received 'localcam'"),
        (plugin(iter(spec, None)), "more than 1000 rows; is it an endless generator?"),
        (
            plugin([RendererSpec("localsheet", LocalCAM, "x")]),
            "must return MethodSpec rows, received RendererSpec",
        ),
        (plugin([spec(name="else:localcam")]), "'else:localcam'; a name has no colon"),
        (
            plugin([], VISIONCAM_API_VERSION="1"),
            "VISIONCAM_API_VERSION must be an int such as 1, received '1'",
        ),
    ],
)
def test_local_plugin_that_returns_nonsense(registry: Registry, module: types.ModuleType, words: str) -> None:
    found, messages = warned(lambda: registry.add_plugin(module, "mine"))
    assert len(messages) == 1
    assert words in messages[0]
    assert words in found.error
    assert found.status == "failed"
    assert [row.name for row in registry.methods()] == ["gradcam", "smoothcam"]


def test_exception_that_cannot_be_printed(registry: Registry) -> None:
    class SilentError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no words")

    class Plugin:
        @hookimpl
        def visioncam_register_methods(self) -> Any:
            raise SilentError

    found, messages = warned(lambda: registry.add_plugin(Plugin(), "silent"))
    assert "SilentError: (its message cannot be printed)" in messages[0]
    assert found.status == "failed"


def test_wrapper_is_refused(registry: Registry) -> None:
    class Plugin:
        @hookimpl(wrapper=True)
        def visioncam_select_layer(self, table: Any, query: Any) -> Any:
            return (yield)

    found, _ = warned(lambda: registry.add_plugin(Plugin(), "wrapper"))
    assert "visioncam_select_layer is a wrapper" in found.error


def test_plugin_that_asks_the_registry_while_it_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "good")
    registry = Registry(OURS)

    class Asking:
        @hookimpl
        def visioncam_register_methods(self) -> Any:
            return registry.methods()

    monkeypatch.setitem(sys.modules, "fake_good", Asking())
    (message,) = loaded(registry)
    assert "of fake-good 1.2 failed" in message
    assert "while it loads the plugins" in message
    assert registry.method("gradcam")


def test_faults_of_our_own_raise(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "raises", "hook_raises", "misspelt", "twin_a", "twin_b")
    for module, error in (
        ("fake_raises", RuntimeError),
        ("fake_hook_raises", ZeroDivisionError),
        ("fake_misspelt", PluginError),
        ("fake_nowhere", ModuleNotFoundError),
    ):
        with pytest.raises(error):
            Registry([*OURS, module], discover=False).methods()
    with pytest.raises(PluginError, match="two methods named 'twincam'"):
        Registry(["fake_twin_a", "fake_twin_b"], discover=False).methods()


def test_without_discovery_only_builtins_load(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "good")
    assert [one.name for one in Registry(OURS, discover=False).plugins()] == ["fake_ours"]
    (ours,) = Registry(OURS, discover=False).plugins()
    assert (ours.builtin, ours.status, ours.distribution) == (True, "loaded", "visioncam")


def test_a_broken_plugin_is_told_once_and_a_clash_ends_with_its_cause(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    install(monkeypatch, "clash", "raises")
    registry = Registry(OURS)
    assert len(loaded(registry)) == 2
    _, messages = warned(lambda: registry.add_plugin(plugin([spec(name="freecam")]), "mine"))
    assert messages == []
    (clash,) = [one.error for one in registry.plugins() if one.name == "clash"]
    assert clash.count("'gradcam' is taken") == 1
    assert "also brought by local" in clash
    registry.add_plugin(plugin([spec()]), "mine")
    (clash,) = [one.error for one in registry.plugins() if one.name == "clash"]
    assert "also brought by local" not in clash


# ------------------------------------------------------------------ layer selectors


def test_a_query_nobody_understands(registry: Registry) -> None:
    with pytest.raises(LayerError, match=r"layer='blokc:4' is not understood .* visioncam.layers\(model\)"):
        registry.select_layer(table("a"), "blokc:4")


def test_faults_of_our_own_selectors_raise(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "selector_raises")
    with pytest.raises(RuntimeError, match="boom about auto"):
        Registry(["fake_selector_raises"], discover=False).select_layer(table("a"), "auto")


def test_what_selectors_say_about_a_query_is_in_the_error(registry: Registry) -> None:
    class OddError(LayerError):
        pass

    class Plugin:
        @hookimpl
        def visioncam_select_layer(self, query: Any) -> None:
            raise OddError(f"{query} is odd")

    registry.add_plugin(Plugin(), "odd")
    assert registry.select_layer(table("a"), "auto").path == "a"
    with pytest.raises(LayerError, match=r"^odd:1 is odd \(plugin 'odd' of local\)$"):
        registry.select_layer(table("a"), "odd:1")


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
        registry.select_layer(table("a"), "mine")
    with pytest.raises(LayerError, match=r"^no such block \(plugin 'blocks' of local\); other is odd$"):
        registry.select_layer(table("a"), "other")


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
        registry.select_layer(table("a"), "nothing")
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
    assert registry.select_layer(table("a", "b"), "b").why == "exact"
    assert registry.select_layer(table("a", "b"), "auto").why == "eager"
    assert len(call_order([Eager(), Eager()], "visioncam_select_layer")) == 2


@pytest.mark.parametrize("hook", hookspecs.HOOKS)
def test_every_hook_is_specified_and_documented(hook: str) -> None:
    function = getattr(hookspecs, hook)
    assert "Returns:" in (function.__doc__ or "")
    assert "return" in function.__annotations__
