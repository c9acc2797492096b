"""The page for authors of plugins is true: signatures, code, commands, names of checks."""

from __future__ import annotations

import inspect
import re
import tomllib
from pathlib import Path

import pytest
from helpers.docs import FENCE
from helpers.tutorial import Reader

from visioncam.new_plugin.writing import KINDS
from visioncam_core import testing
from visioncam_core.pipeline.evidence import Evidence
from visioncam_core.plugins import hookspecs
from visioncam_core.plugins.loading import SLOW_AFTER
from visioncam_core.testing.checks.claims import CLAIMS
from visioncam_core.testing.checks.engine import ENGINE_CHECKS
from visioncam_core.testing.checks.method import METHOD_CHECKS
from visioncam_core.testing.checks.metric import METRIC_CHECKS
from visioncam_core.testing.checks.renderer import RENDERER_CHECKS
from visioncam_core.testing.checks.selector import SELECTOR_CHECKS

CHECKOUT = Path(__file__).resolve().parents[2]
PAGE = (CHECKOUT / "docs" / "writing-plugins.md").read_text("utf-8")
HOOK_HEADING = re.compile(r"^### `(visioncam_\w+\(.*)`$", re.MULTILINE)


def signature(hook: str) -> str:
    """Return a hook as its heading has it: the live signature, without the quotes of its annotations."""
    return f"{hook}{inspect.signature(getattr(hookspecs, hook))}".replace("'", "")


def untested(hooks: tuple[str, ...], tests: str) -> list[str]:
    """Return the hooks without a test of their own."""
    return [hook for hook in hooks if f"def test_{hook}(" not in tests]


def test_every_hooks_heading_is_its_signature() -> None:
    expected = [signature(hook) for hook in hookspecs.HOOKS]
    advice = "each hook needs a heading in docs/writing-plugins.md, in the order of HOOKS: ### `signature`"
    assert HOOK_HEADING.findall(PAGE) == expected, advice


def test_every_hook_has_a_test() -> None:
    tests = (CHECKOUT / "tests" / "contracts" / "test_hooks.py").read_text("utf-8")
    advice = "each hook needs a test in tests/contracts/test_hooks.py: def test_NAME_OF_THE_HOOK()"
    assert untested(hookspecs.HOOKS, tests) == [], advice
    assert untested(("visioncam_register_nothing",), tests) == ["visioncam_register_nothing"]


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_the_tutorial_and_the_page_are_found(name: str) -> None:
    text = (CHECKOUT / name).read_text("utf-8")
    assert "(plugins_example/README.md)" in text
    assert "(docs/writing-plugins.md)" in text


def test_the_first_code_is_a_whole_plugin() -> None:
    language, body = FENCE.findall(PAGE)[0]
    assert language == "python"
    assert body.startswith("# normgrad.py\n")
    assert "@hookimpl" in body


@pytest.mark.parametrize(
    "names", [METHOD_CHECKS, ENGINE_CHECKS, RENDERER_CHECKS, METRIC_CHECKS, SELECTOR_CHECKS, CLAIMS, KINDS]
)
def test_every_check_claim_and_kind_is_on_the_page(names: dict[str, object]) -> None:
    assert [name for name in names if f"`{name}`" not in PAGE and f"--kind {name}" not in PAGE] in (
        [],
        ["method"],
    )


def test_all_of_the_kit_and_of_the_evidence_is_on_the_page() -> None:
    assert [name for name in testing.__all__ if name != "Check" and name not in PAGE] == []
    public = [name for name in dir(Evidence) if not name.startswith("_")]
    assert [name for name in public if f"| `{name}" not in PAGE] == []


def test_numbers_on_the_page() -> None:
    assert f"now {hookspecs.API_VERSION})" in PAGE
    assert SLOW_AFTER == 5
    assert "more than five seconds" in PAGE


def test_the_entry_point_is_that_of_a_new_plugin() -> None:
    (block,) = [body for language, body in FENCE.findall(PAGE) if language == "toml"]
    assert tomllib.loads(block)["project"]["entry-points"] == {"visioncam": {"mycam": "my_cam.plugin"}}


@pytest.mark.slow
def test_every_block_runs(tmp_path: Path) -> None:
    """Python, files and commands, in the page's order, in a folder with nothing but the examples."""
    (tmp_path / "examples").symlink_to(CHECKOUT / "examples", target_is_directory=True)
    reader = Reader(tmp_path, skips=("python -m build",))
    reader.follow(PAGE)
    assert reader.skipped == []
    assert "normgrad  NormGrad, of local" in reader.output("visioncam methods --plugin-file normgrad.py")
    assert "stencil  Stencil, of local" in reader.output("visioncam renderers --plugin-file stencil.py")
    assert "centreshare  Centre share, of local" in reader.output(
        "visioncam metrics centreshare --plugin-file centre.py"
    )
    assert "layers with stride 16" in reader.output(
        "visioncam explain examples/chelsea.png --plugin-file strides.py --layer stride:16"
    )
    loaded, options, installed = (printed for typed, printed in reader.printed if "\n" in typed)
    assert "NormGrad {'scaling': True}" in loaded
    assert "option 'samples' of Sampling must be between 1 and 512, received 1000" in options
    assert "'my-cam' is not installed with an entry point" in installed
    assert {"sheet.png", "my-cam", "my-view", "my-layers"} <= {path.name for path in tmp_path.iterdir()}
    assert "gridocclusion" in reader.command("methods", "--plugin-file", "gridocclusion.py")
    reader.command("plugins", "--check", "--plugin-file", "gridocclusion.py")
