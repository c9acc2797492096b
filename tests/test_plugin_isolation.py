"""A stranger's broken plugin costs one message that names it, and nothing else.

Every fake distribution of `fake_plugins/` is really installed (on the path, with
metadata and an entry point), beside a good one and a stand-in for the built-ins.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading

import attrs
import pytest
from support_plugins import FOLDER, OURS, info, install, loaded, table, warned

from visioncam_core.errors import LayerError, NameNotFoundError, PluginError, PluginWarning
from visioncam_core.hookspecs import API_VERSION, hookimpl
from visioncam_core.registry import Registry


@attrs.frozen
class Broken:
    """What is wrong with a fake, and what its warning must say."""

    fake: str
    version: str
    stage: str
    words: tuple[str, ...]
    status: str = "failed"
    hooks: tuple[str, ...] = ()


BROKEN = [
    Broken("raises", "0.3", "import", ("RuntimeError: boom on import",)),
    Broken("needs_missing", "0.4", "import", ("needs the module 'fake_package_nobody_has'", "install")),
    Broken("bad_signature", "0.5", "hooks", ("visioncam_select_layer", "question", "can not be found")),
    Broken("misspelt", "0.6", "hooks", ("'visioncam_register_method'", "did you mean", "methods'")),
    Broken("unmarked", "0.7", "hooks", ("visioncam_register_methods", "forgotten @hookimpl")),
    Broken("no_hooks", "0.8", "hooks", ("no hook found", "visioncam_select_layer")),
    Broken(
        "hook_raises",
        "0.9",
        "register",
        ("ZeroDivisionError: boom in the hook", "what else it brings works"),
        hooks=("visioncam_register_renderers",),
    ),
    Broken(
        "bad_row",
        "0.10",
        "row",
        ("must return MethodSpec rows", "{'name': 'other'}"),
        hooks=("visioncam_register_methods",),
    ),
    Broken("bad_spec", "0.11", "register", ("MethodSpec.name", "'Odd-CAM'", "write 'oddcam'")),
    Broken(
        "clash",
        "0.12",
        "clash",
        ("'gradcam' is taken by the built-in Grad-CAM", "use 'fake-clash:gradcam'", "'cam' is taken"),
        status="loaded",
        hooks=("visioncam_register_methods",),
    ),
    Broken("exits", "0.15", "import", ("SystemExit", "sys.exit(3)")),
    Broken("missing_attribute", "0.16", "entry-point", ("'fake_missing_attribute:plugin'", "'plugin'")),
    Broken("missing_module", "0.17", "import", ("'fake_missing_module.plugin'", "does not exist")),
    Broken("future", "0.18", "api-version", (f"version {API_VERSION + 1}", f"has version {API_VERSION}")),
    Broken("corrupt", "0.19", "metadata", ("TypeError",)),
]


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.fake)
def test_broken_plugin_costs_one_warning_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, broken: Broken
) -> None:
    install(monkeypatch, broken.fake, "good")
    registry = Registry(OURS)
    (message,) = loaded(registry)
    dist = "fake-" + broken.fake.replace("_", "-")
    version = "" if broken.stage == "metadata" else broken.version
    for word in (f"of {dist} {version}", f"at stage {broken.stage!r}", "visioncam plugins", *broken.words):
        assert word in message
    assert "\n" not in message

    found = info(registry, broken.fake)
    assert (found.status, found.stage, found.hooks) == (broken.status, broken.stage, broken.hooks)
    assert found.version == version
    assert all(word in found.error for word in broken.words if "what else" not in word)
    assert bool(found.traceback) == (broken.stage != "clash")

    names = [row.name for row in registry.methods()]
    assert names[:2] == ["gradcam", "smoothcam"]
    assert "goodcam" in names
    assert registry.method("gradcam").distribution == "visioncam"
    assert [registry.renderer(name).name for name in ("saliency", "goodsheet")] == ["overlay", "goodsheet"]
    assert registry.select_layer(table("a", "b"), "good:0").path == "a"
    assert registry.select_layer(table("a", "b"), "auto").path == "b"
    assert loaded(registry) == []


def test_what_a_half_broken_plugin_brings_besides_works(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "hook_raises", "bad_row")
    registry = Registry(OURS)
    assert len(loaded(registry)) == 2
    assert registry.renderer("fine").distribution == "fake-hook-raises"
    assert registry.method("halfcam").distribution == "fake-bad-row"


def test_all_of_them_together_cost_one_warning_each(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "good", *[broken.fake for broken in BROKEN])
    registry = Registry(OURS)
    messages = loaded(registry)
    assert len(messages) == len(BROKEN)
    assert registry.method("goodcam").title == "Good-CAM"
    with pytest.raises(NameNotFoundError, match=r"unknown method 'oddcam'.*not loaded: .*raises \(failed\)"):
        registry.method("oddcam")


def test_the_traceback_shows_the_plugins_own_line(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "raises")
    registry = Registry(OURS)
    loaded(registry)
    assert "fake_raises.py" in info(registry, "raises").traceback
    assert 'raise RuntimeError("boom on import")' in info(registry, "raises").traceback


def test_a_good_plugin_is_used_like_a_builtin(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "good")
    registry = Registry(OURS)
    assert loaded(registry) == []
    found = info(registry, "good")
    assert (found.name, found.version, found.status, found.builtin) == ("good", "1.2", "loaded", False)
    assert (found.stage, found.error, found.traceback) == ("", "", "")
    assert len(found.hooks) == 3
    for name in ("goodcam", "Good-CAM", "good cam++", "fake-good:goodcam", "Fake_Good:Good-CAM"):
        assert registry.method(name).title == "Good-CAM"
    spec, method = registry.make_method("goodcam", {"power": 2})
    assert spec is registry.method("goodcam")
    assert method(3.0) == 9.0  # type: ignore[operator]
    with pytest.raises(
        LayerError, match=r"there is no row 7; the model has 2 \(plugin 'good' of fake-good 1.2\)"
    ):
        registry.select_layer(table("a", "b"), "good:7")


def test_two_strangers_with_one_name_are_found_by_their_distribution(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "twin_a", "twin_b")
    registry = Registry(OURS)
    assert loaded(registry) == []  # nobody is at fault, and nobody may use either
    with pytest.raises(NameNotFoundError) as caught:
        registry.method("Twin-CAM")
    message = "brought by fake-twin-a and fake-twin-b; write 'fake-twin-a:twincam' or 'fake-twin-b:twincam'"
    assert message in str(caught.value)
    listed = [row.name for row in registry.methods() if "twin" in row.name]
    assert listed == ["fake-twin-a:twincam", "fake-twin-b:twincam"]
    for name in listed:
        assert registry.method(name).distribution == name.partition(":")[0]
        assert registry.make_method(name)[1] is not None
    assert info(registry, "twin_a").stage == "clash"
    assert "also brought by fake-twin-b" in info(registry, "twin_a").error


def test_a_builtin_keeps_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "clash")
    registry = Registry(OURS)
    loaded(registry)
    assert registry.method("gradcam").title == registry.method("cam").title == "Grad-CAM"
    assert registry.method("visioncam:gradcam").title == "Grad-CAM"
    assert registry.method("fake-clash:gradcam").title == registry.method("freecam").title == "StolenCAM"
    assert registry.method("fake-clash:cam").name == "freecam"
    for row in registry.methods():
        assert registry.method(row.name) is row


def test_slow_plugin_works_and_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "slow", "good")
    registry = Registry(OURS, slow_after=0.05)
    messages = [message for message in loaded(registry) if "fake-slow" in message]
    assert len(messages) == 1
    assert "of fake-slow 0.14 has a problem at stage 'slow'" in messages[0]
    assert "more than 0.05 s" in messages[0]
    assert registry.method("slowcam").name == "slowcam"
    assert info(registry, "slow").status == "loaded"
    assert info(registry, "slow").seconds > 0.05
    install(monkeypatch, "slow")
    assert loaded(Registry(OURS)) == []


# ------------------------------------------------------------------ layer selectors


def test_raising_selector_is_skipped_with_one_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "selector_raises", "good")
    registry = Registry(OURS)
    assert loaded(registry) == []
    layers = table("a", "b", "c")
    choice, messages = warned(lambda: registry.select_layer(layers, "good:1"))
    assert choice.path == "b"
    (message,) = messages
    for word in ("'selector_raises'", "fake-selector-raises 0.20", "'select-layer'", "boom about good:1"):
        assert word in message
    choice, messages = warned(lambda: registry.select_layer(layers, "auto"))
    assert (choice.path, messages) == ("c", [])
    assert info(registry, "selector_raises").status == "failed"
    assert "fake_selector_raises.py" in info(registry, "selector_raises").traceback
    monkeypatch.setenv("VISIONCAM_STRICT_PLUGINS", "1")
    with pytest.raises(PluginError, match="boom about auto"):
        registry.select_layer(layers, "auto")


def test_no_stranger_hijacks_an_exact_name(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "selector_greedy")
    registry = Registry(OURS)
    assert registry.select_layer(table("a", "b"), "b").why == "exact"
    assert registry.select_layer(table("a", "b"), "auto").why == "greedy"  # a stranger may know better here


def test_selector_that_returns_something_else_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "selector_junk")
    registry = Registry(OURS)
    assert registry.select_layer(table("a"), "auto").path == "a"
    with pytest.raises(PluginError, match=r"'selector_junk' of fake-selector-junk 0.22 .* received 'conv1'"):
        registry.select_layer(table("a"), "junk:1")


# ------------------------------------------------------------------ what is allowed to load


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", {"good": "skipped", "twin_a": "skipped"}),
        ("good", {"good": "loaded", "twin_a": "skipped"}),
        ("fake_TWIN.a , fake-good", {"good": "loaded", "twin_a": "loaded"}),
    ],
)
def test_variable_selects(monkeypatch: pytest.MonkeyPatch, value: str, expected: dict[str, str]) -> None:
    install(monkeypatch, "good", "twin_a")
    monkeypatch.setenv("VISIONCAM_PLUGINS", value)
    registry = Registry(OURS)
    assert loaded(registry) == []
    assert {fake: info(registry, fake).status for fake in expected} == expected
    assert {fake: "fake_" + fake in sys.modules for fake in expected} == {
        fake: status == "loaded" for fake, status in expected.items()
    }
    assert registry.method("gradcam")
    skipped = [fake for fake, status in expected.items() if status == "skipped"]
    assert all(f"VISIONCAM_PLUGINS={value!r}" in info(registry, fake).error for fake in skipped)


def test_without_the_variable_every_stranger_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "good", "twin_a")
    monkeypatch.delenv("VISIONCAM_PLUGINS")
    registry = Registry(OURS)
    loaded(registry)
    assert info(registry, "good").status == info(registry, "twin_a").status == "loaded"


def test_unknown_name_in_the_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "good", "twin_a")
    monkeypatch.setenv("VISIONCAM_PLUGINS", "good,fake-twin-c")
    (message,) = loaded(Registry(OURS))
    assert "VISIONCAM_PLUGINS names 'fake-twin-c'" in message
    assert "did you mean 'fake-twin-a'" in message


@pytest.mark.parametrize("broken", ["raises", "hook_raises", "clash", "bad_row"])
def test_strict_turns_the_warning_into_an_error(monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    install(monkeypatch, broken, "good")
    monkeypatch.setenv("VISIONCAM_STRICT_PLUGINS", "1")
    registry = Registry(OURS)
    for _ in range(2):  # asking again does not make it good
        with pytest.raises(PluginError, match="fake-" + broken.replace("_", "-")):
            registry.methods()
    monkeypatch.setenv("VISIONCAM_STRICT_PLUGINS", "0")
    assert len(loaded(registry)) == 1
    install(monkeypatch, "good")
    monkeypatch.setenv("VISIONCAM_STRICT_PLUGINS", "1")
    assert Registry(OURS).method("goodcam")


def test_plugins_load_when_first_asked_for_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "good", "slow")
    registry = Registry(OURS)
    assert not any(name.startswith("fake_") for name in sys.modules)
    gate = threading.Barrier(8)
    seen: list[tuple[str, ...]] = []

    def ask() -> None:
        gate.wait()
        seen.append(tuple(row.name for row in registry.methods()))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [("gradcam", "smoothcam", "goodcam", "slowcam")] * 8
    assert sys.modules["fake_ours"].CALLS == ["methods"]


def test_an_interrupt_is_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted:
        @hookimpl
        def visioncam_register_methods(self) -> None:
            raise KeyboardInterrupt

    install(monkeypatch, "good")
    monkeypatch.setitem(sys.modules, "fake_good", Interrupted())
    registry = Registry(OURS)
    with pytest.raises(KeyboardInterrupt):
        registry.methods()
    monkeypatch.delitem(sys.modules, "fake_good")
    assert registry.method("goodcam")  # nothing was left half done


def test_warnings_as_errors_do_not_lose_the_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "raises", "good")
    registry = Registry(OURS)
    with pytest.raises(PluginWarning, match="boom on import"):
        registry.methods()
    assert registry.method("goodcam")


# ------------------------------------------------------------------ what an import may load

HEAVY = ("tensorflow", "keras", "matplotlib.pyplot", "cv2")


def heavy_after(code: str) -> list[str]:
    """Return the heavy modules that a fresh Python has loaded after this code."""
    script = (
        f"{code}\nimport json, sys\nprint(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"
    )
    paths = [str(FOLDER / "ours"), str(FOLDER / "good"), *filter(None, sys.path)]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "VISIONCAM_PLUGINS": "good"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], env=env, capture_output=True, text=True, check=True
    )
    return list(json.loads(done.stdout))


def test_listing_plugins_loads_nothing_heavy() -> None:
    listing = "from visioncam_core.registry import Registry\nr = Registry(['fake_ours'])\n"
    assert (
        heavy_after(f"{listing}assert {{'gradcam', 'goodcam'}} <= {{row.name for row in r.methods()}}") == []
    )


def test_the_heavy_import_test_can_fail() -> None:
    assert heavy_after("import matplotlib.pyplot") == ["matplotlib.pyplot"]


def test_every_fake_distribution_is_used() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in FOLDER.parent.glob("test_plugin_*.py"))
    fakes = {path.name for path in FOLDER.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert not [fake for fake in fakes - {"ours"} if f'"{fake}"' not in source]
