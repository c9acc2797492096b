"""What the app allows: time for an answer, and room for files."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator

import pytest
from PIL import Image

from visioncam.app import limits as app_limits
from visioncam.app import workspace as app_workspace
from visioncam.app.answer import Form, Service
from visioncam.app.limits import Deadline, Limits, TooSlowError, run_limited
from visioncam.app.models import ModelList
from visioncam.app.workspace import Workspace
from visioncam_core.errors import ImageError, ModelNotFoundError


@pytest.fixture
def workspace() -> Iterator[Workspace]:
    made = Workspace()
    yield made
    made.close()


def test_work_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_limits, "_left_behind", [])
    release = threading.Event()

    def hang(watch: Deadline) -> None:
        release.wait(60)

    for _ in range(app_limits.MOST_LEFT_BEHIND):
        with pytest.raises(TooSlowError, match=r"stopped after 0\.05 seconds"):
            run_limited(hang, 0.05)
        if len(app_limits._left_behind) < app_limits.MOST_LEFT_BEHIND:
            assert run_limited(lambda watch: 5, 10) == 5  # the next question is answered
    with pytest.raises(TooSlowError, match="busy"):
        run_limited(lambda watch: 5, 10)
    release.set()
    for thread in list(app_limits._left_behind):
        thread.join()
    assert run_limited(lambda watch: 5, 10) == 5
    with pytest.raises(ZeroDivisionError):
        run_limited(lambda watch: 1 // 0, 10)


def test_nobody_waits_when_the_app_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_limits, "_ending", threading.Event())
    monkeypatch.setattr(app_limits, "_left_behind", [])
    begun, release = threading.Event(), threading.Event()

    def hang(watch: Deadline) -> None:
        begun.set()
        release.wait(60)
        watch.check()

    def end() -> None:
        begun.wait(60)
        app_limits.give_up()

    threading.Thread(target=end).start()
    with pytest.raises(TooSlowError, match="being closed"):
        run_limited(hang, 1000)
    assert not release.is_set()
    with pytest.raises(TooSlowError, match="being closed"):
        run_limited(lambda watch: 5, 10)
    release.set()
    app_limits.begin()  # another app in the same process
    assert run_limited(lambda watch: 5, 10) == 5


def test_old_files_go(workspace: Workspace) -> None:
    old, new = workspace.new_folder() / "old.png", workspace.new_folder() / "new.png"
    for path in (old, new):
        path.write_bytes(b"x")
    then = time.time() - 4000
    for path in (old, old.parent):
        os.utime(path, (then, then))
    workspace.sweep()
    assert (old.exists(), new.exists()) == (False, True)
    assert workspace.root.stat().st_mode & 0o777 == 0o700


def test_what_is_used_stays(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    example = workspace.new_folder() / "example.webp"
    example.write_bytes(b"x")
    os.utime(example, (1, 1))
    workspace.keep()
    service, photo = Service(ModelList({}), workspace, Limits()), workspace.new_folder() / "photo.png"
    Image.new("RGB", (9, 9)).save(photo)
    monkeypatch.setattr(app_workspace, "MOST_FILES", 3)
    monkeypatch.setattr(app_workspace, "TIDIED", 0.0)
    for number in range(5):
        path = workspace.new_folder() / f"{number}.png"  # looks for what may go
        path.write_bytes(b"x")
        os.utime(path, (time.time() - 100 + number,) * 2)
    os.utime(photo, (time.time() - 3000,) * 2)  # the oldest, but wanted
    with pytest.raises(ImageError, match="drop it again"):
        service.answer(Form(str(path.parents[1] / "gone.png"), "none"), Deadline(9))
    with pytest.raises(ModelNotFoundError):
        service.answer(Form(str(photo), "none"), Deadline(9))
    workspace.sweep()
    left = {one.name for one in workspace.root.rglob("*") if one.is_file()}
    assert left == {"example.webp", "photo.png", "3.png", "4.png"}
    assert not [one for one in workspace.root.iterdir() if not any(one.iterdir())]
