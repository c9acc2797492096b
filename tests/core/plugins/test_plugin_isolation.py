"""A stranger's broken plugin costs one message that names it, and nothing else.

Every fake distribution is really installed (on the path, with metadata and an
entry point), next to a good one and a stand-in for the built-ins.
"""

from __future__ import annotations

import attrs
import pytest
from helpers.plugins import OURS, info, install, loaded, select, table

from visioncam_core.errors import (
    LayerError,
    NameNotFoundError,
)
from visioncam_core.plugins.hookspecs import API_VERSION
from visioncam_core.plugins.registry import Registry


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
        ("ZeroDivisionError: boom in the hook", "the rest of it works"),
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
    assert all(word in found.error for word in broken.words if "the rest of it" not in word)
    assert bool(found.traceback) == (broken.stage != "clash")

    names = [row.name for row in registry.methods()]
    assert names[:2] == ["gradcam", "smoothcam"]
    assert "goodcam" in names
    assert registry.method("gradcam").distribution == "visioncam"
    assert [registry.renderer(name).name for name in ("saliency", "goodsheet")] == ["overlay", "goodsheet"]
    assert select(registry, table("a", "b"), "good:0").path == "a"
    assert select(registry, table("a", "b"), "auto").path == "b"
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
        select(registry, table("a", "b"), "good:7")


def test_two_strangers_with_one_name_are_found_by_their_distribution(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "twin_a", "twin_b")
    registry = Registry(OURS)
    assert loaded(registry) == []  # nobody is at fault, and nobody may use either
    with pytest.raises(NameNotFoundError) as caught:
        registry.method("Twin-CAM")
    message = "comes from fake-twin-a and fake-twin-b; write 'fake-twin-a:twincam' or 'fake-twin-b:twincam'"
    assert message in str(caught.value)
    listed = [row.name for row in registry.methods() if "twin" in row.name]
    assert listed == ["fake-twin-a:twincam", "fake-twin-b:twincam"]
    for name in listed:
        assert registry.method(name).distribution == name.partition(":")[0]
        assert registry.make_method(name)[1] is not None
    assert info(registry, "twin_a").stage == "clash"
    assert "also comes from fake-twin-b" in info(registry, "twin_a").error


def test_a_builtin_keeps_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "clash")
    registry = Registry(OURS)
    loaded(registry)
    assert registry.method("gradcam").title == registry.method("cam").title == "Grad-CAM"
    assert registry.method("visioncam:gradcam").title == "Grad-CAM"
    assert registry.method("fake-clash:gradcam").title == registry.method("freecam").title == "Fake-CAM"
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
