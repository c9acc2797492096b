"""Bad input: one table, and one contract that every error keeps.

The rows are in modules `images`, `targets` and `calls` of `helpers.bad_input`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import numpy as np
import pytest
from helpers.bad_input.calls import CALLS
from helpers.bad_input.images import IMAGES
from helpers.bad_input.targets import TARGETS
from helpers.bad_input.world import Bad, World
from helpers.untouched import snapshot

from visioncam import VisionCamError
from visioncam_core import errors

ROWS = [*IMAGES, *TARGETS, *CALLS]
LONGEST = 300
NATURAL = (ValueError, TypeError, KeyError, OSError, RuntimeError)
NODE = re.compile(r"\{\{|\}\}|\[Op:|function_node|__wrapped__|__inference|:\d+\)|\x1b\[")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("bad"))
    others = {name: snapshot(getattr(world, name)) for name in world.models}
    first = world.explain()
    yield world
    assert {name: snapshot(getattr(world, name)) for name in others} == others
    assert np.array_equal(world.explain().raw, first.raw)  # after all that, as good as ever


@pytest.fixture
def outside(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Return the world, working in its folder."""
    monkeypatch.chdir(world.folder)
    return world


def broken_promises(error: BaseException) -> list[str]:
    """List what an error does not keep of the contract."""
    first = str(error).partition("\n")[0]
    broken = []
    if not isinstance(error, VisionCamError) or not isinstance(error, NATURAL):
        broken.append(f"{type(error).__mro__} is no VisionCamError that is also a built-in one")
    if not 10 <= len(first) <= LONGEST or str(error) != first:
        broken.append(f"one line of at most {LONGEST} characters: {len(first)}, {str(error)[:400]!r}")
    if NODE.search(str(error)):
        broken.append(f"node names or colours: {NODE.findall(str(error))}")
    return broken


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_bad_input_is_an_error_that_says_what_and_what_to_do(row: Bad, outside: World) -> None:
    before = snapshot(outside.model)
    with pytest.raises(VisionCamError) as caught:
        row.call(outside)
    message = str(caught.value)
    assert type(caught.value) is row.error, message
    assert [word for word in row.words if word not in message] == [], message
    assert not broken_promises(caught.value)
    assert snapshot(outside.model) == before
    assert not [path for path in outside.folder.rglob("*") if ".tmp" in path.name or path.stem == "x"]


def test_every_row_has_a_name_of_its_own_and_every_kind_of_error_a_row() -> None:
    names = [row.name for row in ROWS]
    assert [name for name in names if names.count(name) > 1] == []
    kinds = {
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, VisionCamError)
    }
    files = {errors.ModelNotFoundError, errors.PluginNotFoundError, errors.UnsafeModelError}
    elsewhere = {VisionCamError, errors.BackendError, *files}
    assert kinds - {row.error for row in ROWS} == elsewhere


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (ValueError("no error of ours, plainly"), "no VisionCamError"),
        (errors.ImageError("a line\nand another one"), "one line"),
        (errors.ImageError("short"), "one line"),
        (errors.ImageError("x" * 301), "one line"),
        (errors.TargetError("{{function_node __wrapped__Cast}} failed"), "node names"),
        (errors.ModelError("\x1b[1mboom, it failed\x1b[0m"), "colours"),
        (errors.ModelError("x (functional_1/conv/Identity:0) = 3"), "node names"),
    ],
)
def test_the_contract_can_be_broken(error: Exception, fault: str) -> None:
    assert any(fault in promise for promise in broken_promises(error))


def test_the_cause_is_kept(world: World) -> None:
    with pytest.raises(errors.TargetError) as caught:
        world.explain(target=lambda outputs: 1 / 0)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    with pytest.raises(errors.ModelError) as failed:
        world.explain(model=world.fragile)
    assert "the cable is\nloose" in str(failed.value.__cause__)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_an_error_that_names_it(world: World) -> None:
    folder = world.folder / "locked"
    folder.mkdir(mode=0o555)
    with pytest.raises(errors.OutputError, match=r"'x.png' into .*locked.*ermission"):
        world.explanation.save(folder / "x.png")
    assert not list(folder.iterdir())
