"""When plugins load, which of them, and what that may import."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from helpers.fake_plugins import FAKES, WRITTEN, fake
from helpers.plugins import OURS, info, install, loaded

from visioncam_core.errors import (
    PluginError,
    PluginWarning,
)
from visioncam_core.plugins.hookspecs import hookimpl
from visioncam_core.plugins.registry import Registry


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


def test_strict_settings_do_not_hide_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "raises", "good")
    monkeypatch.setenv("VISIONCAM_STRICT_PLUGINS", "1")
    registry = Registry(OURS)
    assert loaded(registry) == []  # asked what became of them, it answers
    assert "boom on import" in info(registry, "raises").error
    for ask in (registry.methods, registry.renderers, lambda: registry.method("gradcam")):
        with pytest.raises(PluginError, match="boom on import"):
            ask()
    monkeypatch.setenv("VISIONCAM_STRICT_PLUGINS", "no")
    assert len(loaded(registry)) == 1


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
    assert "while plugins are being loaded" in message
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


HEAVY = ("tensorflow", "keras", "matplotlib.pyplot", "cv2")


def heavy_after(code: str) -> list[str]:
    """Return the heavy modules that a fresh Python has loaded after this code."""
    script = (
        f"{code}\nimport json, sys\nprint(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"
    )
    paths = [str(fake("ours")), str(fake("good")), *filter(None, sys.path)]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "VISIONCAM_PLUGINS": "good"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], env=env, capture_output=True, text=True, check=True
    )
    return list(json.loads(done.stdout))


def test_listing_plugins_loads_nothing_heavy() -> None:
    listing = "from visioncam_core.plugins.registry import Registry\nr = Registry(['fake_ours'])\n"
    assert (
        heavy_after(f"{listing}assert {{'gradcam', 'goodcam'}} <= {{row.name for row in r.methods()}}") == []
    )


def test_the_heavy_import_test_can_fail() -> None:
    assert heavy_after("import matplotlib.pyplot") == ["matplotlib.pyplot"]


def test_every_fake_distribution_is_used() -> None:
    tests = Path(__file__).parents[2]
    source = "".join(path.read_text(encoding="utf-8") for path in tests.rglob("test_*.py"))
    fakes = {*FAKES, *(path.name for path in WRITTEN.iterdir() if path.name != "__pycache__")}
    assert not [name for name in fakes - {"ours"} if f'"{name}"' not in source]
