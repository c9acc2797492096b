"""Plugin files: loaded because the user named them, run, refused whole; nothing loads by itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from helpers.fake_plugins import fake
from helpers.plugins import OURS, install, select, table, warned

from visioncam_core.errors import OptionTypeError, PluginError, PluginNotFoundError
from visioncam_core.plugins.local_files import load_file
from visioncam_core.plugins.registry import Registry

GOOD = """
from __future__ import annotations

from typing import Any, ClassVar

import attrs

from visioncam_core.plugins.hookspecs import hookimpl
from visioncam_core.options.fields import in_range, option
from visioncam_core.plugins.specs import MethodSpec


@attrs.frozen
class FileCAM:
    power: float = option({default}, help="exponent", validator=in_range(0, 4))
    needs: ClassVar[frozenset[str]] = frozenset({{"activations"}})

    def __call__(self, evidence: Any) -> Any:
        return evidence**self.power


@hookimpl
def visioncam_register_methods():
    return [MethodSpec("filecam", FileCAM, "File-CAM", "none", "Of a file.")]
"""


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    install(monkeypatch)
    return Registry(OURS, discover=False)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "my_cam.py"
    path.write_text(GOOD.format(default=1.0))
    return path


def test_a_file_is_used_like_an_installed_plugin(registry: Registry, file: Path) -> None:
    info = load_file(registry, file)
    assert (info.name, info.distribution, info.status) == ("my_cam", "local", "loaded")
    assert info.file == str(file)
    assert info in registry.plugins()
    spec, method = registry.make_method("File-CAM", {"power": 2})
    assert spec is registry.method("local:filecam")
    assert method(3.0) == 9.0  # type: ignore[operator]
    assert not (file.parent / "__pycache__").exists()


def test_a_file_that_was_changed_is_loaded_anew_at_once(registry: Registry, file: Path) -> None:
    for default in (1.0, 2.0, 3.0):  # faster than a file's time and as long: what fools Python's own cache
        file.write_text(GOOD.format(default=default))
        load_file(registry, str(file))
        assert registry.make_method("filecam")[1].power == default  # type: ignore[attr-defined]
    assert [one.name for one in registry.plugins()] == ["fake_ours", "my_cam"]


BROKEN = {
    "raises": ("raise RuntimeError('boom')", "at stage 'import': RuntimeError: boom", "RuntimeError"),
    "exits": ("import sys; sys.exit(1)", r"sys.exit\(1\)", "SystemExit"),
    "syntax": ("def f(:", r"SyntaxError: .* \(my_cam.py, line 1\)", "SyntaxError"),
    "needs": ("import package_nobody_has", "No module named 'package_nobody_has'", "ModuleNotFoundError"),
    "no hooks": ("x = 1", "at stage 'hooks': no hook found", None),
    "row": (
        """
        from visioncam_core.plugins.hookspecs import hookimpl
        @hookimpl
        def visioncam_register_methods():
            return [1]
        """,
        "at stage 'row': visioncam_register_methods must return MethodSpec rows, received 1",
        None,
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_an_error_and_changes_nothing(registry: Registry, file: Path, name: str) -> None:
    load_file(registry, file)
    before, modules = registry.plugins(), dict(sys.modules)
    source, words, cause = BROKEN[name]
    file.write_text(textwrap.dedent(source))
    with pytest.raises(PluginError, match=words) as caught:
        load_file(registry, file)
    assert "my_cam" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert (type(caught.value.__cause__).__name__ if caught.value.__cause__ else None) == cause
    assert registry.plugins() == before
    assert dict(sys.modules) == modules
    assert registry.method("filecam").title == "File-CAM"


def test_the_traceback_of_a_hook_that_raises_goes_with_the_error(registry: Registry, file: Path) -> None:
    file.write_text(GOOD.format(default=1.0).replace('"filecam"', '"File CAM"'))
    with pytest.raises(PluginError, match=r"MethodSpec.name .* 'File CAM'; write 'filecam'") as caught:
        load_file(registry, file)
    assert 'MethodSpec("File CAM"' in caught.value.__notes__[0]


def test_a_file_that_never_loaded_leaves_no_module(registry: Registry, file: Path) -> None:
    registry.methods()
    modules = set(sys.modules)
    file.write_text("raise RuntimeError('boom')")
    with pytest.raises(PluginError):
        load_file(registry, file)
    assert set(sys.modules) == modules


def test_what_is_no_python_file_is_refused(registry: Registry, file: Path) -> None:
    with pytest.raises(PluginNotFoundError, match=r"there is no plugin file 'nowhere.py' \(looked in '/"):
        load_file(registry, "nowhere.py")
    with pytest.raises(FileNotFoundError):
        load_file(registry, file.parent / "nowhere.py")
    with pytest.raises(PluginError, match="is a folder; name the Python file"):
        load_file(registry, file.parent)
    other = file.rename(file.with_suffix(".txt"))
    with pytest.raises(PluginError, match=r"a plugin file is a Python file, \*.py; received '.*my_cam.txt'"):
        load_file(registry, other)
    with pytest.raises(OptionTypeError, match=r"a path is text .* received 3 of type int"):
        load_file(registry, 3)  # type: ignore[arg-type]


def test_two_files_of_one_name_are_told_apart(registry: Registry, file: Path) -> None:
    load_file(registry, file)
    (file.parent / "other").mkdir()
    other = file.parent / "other" / file.name
    other.write_text(GOOD.format(default=2.0))
    with pytest.raises(PluginError, match=r"has the same name as '.*my_cam.py', which is loaded; rename one"):
        load_file(registry, other)
    link = file.parent / "link.py"
    link.symlink_to(file)
    assert load_file(registry, link).name == "my_cam"  # the same file by another path
    renamed = other.rename(other.with_name("other_cam.py"))
    _, messages = warned(lambda: load_file(registry, renamed))
    assert "local provides two methods named 'filecam'; the second is left out" in messages[0]


def test_a_file_cannot_take_a_built_in_name(registry: Registry, file: Path) -> None:
    file.write_text(GOOD.format(default=1.0).replace('"filecam"', '"gradcam"'))
    info, messages = warned(lambda: load_file(registry, file))
    assert "'gradcam' is taken by the built-in Grad-CAM; use 'local:gradcam'" in messages[0]
    assert (info.status, info.stage) == ("loaded", "clash")
    assert registry.method("gradcam").title == "Grad-CAM"
    assert registry.method("local:gradcam").title == "File-CAM"


def test_a_selector_in_a_file_is_asked(registry: Registry, file: Path) -> None:
    file.write_text(
        textwrap.dedent(
            """
            from visioncam_core.plugins.hookspecs import hookimpl
            from visioncam_core.engine.layer_table import LayerChoice
            @hookimpl
            def visioncam_select_layer(table, query):
                if query == "mine:first":
                    return LayerChoice(table.rows[0], "the first")
            """
        )
    )
    load_file(registry, file)
    assert select(registry, table("a", "b"), "mine:first").why == "the first"


@pytest.mark.parametrize("way", ["-c", "-m"])
def test_nothing_is_loaded_from_the_working_directory(way: str) -> None:
    """Python puts it on the path by itself; a folder one stands in must not bring plugins."""
    code = "import json, visioncam; print(json.dumps([p.distribution for p in visioncam.plugins()]))"
    command = ["-c", code] if way == "-c" else ["-m", "visioncam", "plugins", "--json"]

    def found(*paths: str) -> str:
        ours = [path for path in sys.path if path and Path(path) != fake("good")]
        env = os.environ | {"PYTHONPATH": os.pathsep.join([*ours, *paths])}
        done = subprocess.run(
            [sys.executable, *command],
            cwd=fake("good"),
            env=env,
            capture_output=True,
            text=True,
            check=True,
        )
        return json.dumps(json.loads(done.stdout))

    assert '"visioncam"' in found()
    assert "fake-good" not in found()
    assert "fake-good" in found(str(fake("good")))  # named on purpose
