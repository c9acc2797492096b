"""The parts of a run that need no model: sources, names, lines, lock, fingerprint, signals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tarfile
import threading
from pathlib import Path
from typing import Any

import pytest
from helpers.batch import make_pictures
from helpers.cli import environment
from helpers.watched import Keyed

from visioncam.batch.compute import Ready
from visioncam.batch.entry import Entry, TarMember
from visioncam.batch.file_names import file_names, stem_of
from visioncam.batch.fingerprint import changes, facts_of, mark_of
from visioncam.batch.jsonl import Appender, encode_line, read_lines
from visioncam.batch.lock import Lock
from visioncam.batch.manifest import Manifest
from visioncam.batch.pipeline import Local
from visioncam.batch.signals import StopSignals
from visioncam.batch.sources import source_of
from visioncam.batch.watchdog import supervise
from visioncam.batch.write import Writing
from visioncam_core.errors import ImageError, ImageNotFoundError, OutputError
from visioncam_core.pipeline.settings import Settings


def keys(source: object, **how: object) -> list[str]:
    return [entry.key for entry in source_of(source, **how).entries]  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = make_pictures(tmp_path / "in", 2)
    make_pictures(root / "sub", 1, seed=1)
    make_pictures(root / "out", 1)
    make_pictures(root / ".hidden", 1)
    (root / "notes.doc").touch()
    (root / "link.png").symlink_to(root / "0000.png")
    (root / "loop").symlink_to(root)
    return root


def test_a_folder_follows_no_link_nothing_hidden_and_not_the_results(folder: Path) -> None:
    assert keys(folder) == ["0000.png", "0001.png"]
    found = source_of(folder, recursive=True, out=folder / "out")
    assert [entry.key for entry in found.entries] == ["0000.png", "0001.png", "sub/0000.png"]
    assert found.notes == (
        "left out 1 files whose names are not those of pictures",
        "left out 2 links, which are not followed",
    )


def test_a_pattern_counts_from_its_fixed_part(folder: Path) -> None:
    assert keys(f"{folder}/**/*.png", out=folder / "out") == [
        "0000.png", "0001.png", "link.png", "sub/0000.png",
    ]  # fmt: skip
    with pytest.raises(ImageError, match="there is no picture in"):
        source_of(f"{folder}/*.tiff")
    with pytest.raises(ImageNotFoundError, match="does not exist; name a folder"):
        source_of("nowhere/at/all")


def test_lists_bring_a_class_for_each_row(folder: Path) -> None:
    (folder / "a.txt").write_text("# pictures\n0000.png\n0001.png\ttabby cat\n0000.png\n\n0000.png\t7\n")
    found = source_of(str(folder / "a.txt"))
    assert [(entry.key, entry.target) for entry in found.entries] == [
        ("0000.png", None), ("0001.png", "tabby cat"), ("0000.png#2", 7),
    ]  # fmt: skip
    assert found.notes == ("left out 1 rows that repeat an earlier one",)
    (folder / "b.csv").write_text("id,Label,Path\n1,7,0000.png\n2,,sub/0000.png\n")
    found = source_of(folder / "b.csv")
    assert [(entry.key, entry.target) for entry in found.entries] == [("0000.png", 7), ("sub/0000.png", None)]
    assert str(found.entries[1].image) == os.path.join(folder, "sub/0000.png")  # type: ignore[index]
    (folder / "c.csv").write_text("id,label\n1,7\n")
    with pytest.raises(ImageError, match=r"no picture column.*its first row is 'id,label'"):
        source_of(folder / "c.csv")


def test_an_archive_is_read_where_its_members_lie(folder: Path) -> None:
    with tarfile.open(folder / "a.tar", "w") as archive:
        archive.add(folder / "0001.png", "x/k1.left.png")
        (folder / "c").write_text("tabby\n")
        archive.add(folder / "c", "x/k1.cls")
        archive.add(folder / "0000.png", "../../evil.png")
    first, second = source_of(folder / "a.tar").entries
    assert (first.key, first.target, second.key, second.target) == (
        "x/k1.left.png", "tabby", "../../evil.png", None,
    )  # fmt: skip
    assert isinstance(first.image, TarMember)
    assert first.source == (folder / "0001.png").read_bytes()
    assert "/" not in stem_of(second.key)
    with tarfile.open(folder / "b.tar.gz", "w:gz") as archive:
        archive.add(folder / "0001.png", "a.png")
    with pytest.raises(ImageError, match="is compressed: unpack it with gunzip first"):
        source_of(folder / "b.tar.gz")


def test_names_follow_from_the_key_alone_and_stay_in_the_folder() -> None:
    names = [
        "a/x.png",
        "b/x.png",
        "a/X.png",
        "a/x.jpg",
        "CON.png",
        "../../x",
        "a\x1bb\u202e.png",
        "\udcff.png",
    ]
    stems = [stem_of(name) for name in names]
    assert len({stem.casefold() for stem in stems}) == len(names)
    assert not any({"/", "\\", "\x1b", "\u202e"} & set(stem) for stem in stems)
    assert stems[4].startswith("_CON-")
    assert all(len(stem_of("é" * 300).encode()) < 140 for stem in stems)
    assert stem_of("a/x.png", spread=True).split("/")[1] == stems[0]
    assert file_names("a/x.png", "my:cam", {".npz": ("",), ".png": ("overlay", "heatmap")}) == [
        f"{stems[0]}_my-cam.npz", f"{stems[0]}_my-cam_overlay.png", f"{stems[0]}_my-cam_heatmap.png",
    ]  # fmt: skip


@pytest.mark.parametrize("tail", [b'{"key": "b', b"\0\0\0\0", b"[1]\n", b'{"key": "b"}', b"\xff\xfe\n"])
def test_torn_lines_are_counted_and_the_others_kept(tmp_path: Path, tail: bytes) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(encode_line({"key": "a\udcff"}) + tail)
    assert read_lines(path) == ([{"key": "a\udcff"}], 1)


def test_a_line_is_whole_or_not_there(tmp_path: Path) -> None:
    import resource

    path = tmp_path / "a.jsonl"
    lines = Appender(path)
    lines.add({"key": "a"})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (30, hard))
    try:
        with pytest.raises(OutputError, match=r"cannot write 'a\.jsonl': file too large"):
            lines.add({"key": "b" * 40})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    lines.add({"key": "c"})
    lines.close()
    assert read_lines(path) == ([{"key": "a"}, {"key": "c"}], 0)


def test_a_manifest_of_a_stranger_points_at_nothing_outside(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("12345")
    out = tmp_path / "out"
    out.mkdir()
    for name in ("../secret", str(tmp_path / "secret"), ""):
        (out / "manifest.jsonl").write_bytes(encode_line({"key": "a", "files": {name: 5}}))
        manifest = Manifest.load(out)
        manifest.clean()
        assert not manifest.finished
    (out / "manifest.jsonl").write_bytes(encode_line({"key": "a", "files": 3}) + b'{"nokey": 1}\n')
    manifest = Manifest.load(out)
    manifest.clean()
    assert not manifest.finished


def test_a_folder_belongs_to_one_run_at_a_time(tmp_path: Path) -> None:
    held = "import sys, time; from pathlib import Path; from visioncam.batch.lock import Lock\n"
    held += "with Lock(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    other = subprocess.Popen(
        [sys.executable, "-c", held, tmp_path], stdout=subprocess.PIPE, text=True, env=environment()
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    with pytest.raises(OutputError, match=rf"another run is writing to .*: process {other.pid} on "):
        Lock(tmp_path).__enter__()
    other.kill()
    other.communicate()
    with Lock(tmp_path) as lock:
        assert lock.note == f"took over the lock of process {other.pid}, which has ended"
    assert not list(tmp_path.iterdir())
    with Lock(tmp_path) as lock:
        assert lock.note == ""
    (tmp_path / ".visioncam.lock").write_text(json.dumps({"pid": 7, "host": "elsewhere"}))
    with pytest.raises(
        OutputError, match=r"process 7 on elsewhere; if that run has ended, delete \.visioncam\.lock"
    ):
        Lock(tmp_path).__enter__()


def test_a_fingerprint_tells_what_matters_and_only_that() -> None:
    def facts(
        model: str = "m", seed: int = 0, target: object = None, batch: int = 8, **options: object
    ) -> dict:
        settings = Settings(seed=seed, batch_size=batch, progress=print)
        return facts_of(model, "scorecam", options, target, settings, Writing(Path("o")).facts)

    plain = facts(weights="softmax")
    assert mark_of(facts(weights="softmax", batch=3)) == mark_of(plain)
    assert changes(plain, facts(weights="logit", seed=1, target=5)) == [
        "option weights: was 'softmax', now 'logit'", "target: was None, now 5", "seed: was 0, now 1",
    ]  # fmt: skip
    assert changes(plain, facts("n", weights="softmax")) == ["model: was 'm', now 'n'"]
    assert json.loads(json.dumps(plain)) == plain


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_first_signal_asks_and_the_handlers_come_back(number: int, code: int) -> None:
    before = signal.getsignal(number)
    with StopSignals() as stopping:
        assert not stopping.received()
        os.kill(os.getpid(), number)
        assert stopping.received()
        assert stopping.code == code
        with pytest.raises(KeyboardInterrupt):
            stopping.check(1, 2)
    assert signal.getsignal(number) is before


def test_decoding_computing_and_writing_overlap() -> None:
    decoded, computed = threading.Event(), threading.Event()

    class Stages(Keyed):
        def decode(self, entry: Entry) -> Ready:
            if entry.place == 5:
                decoded.set()
            return super().decode(entry)

        def __call__(self, ready: Any) -> list[Any]:
            places = [one.entry.place for one in ready]
            assert 0 not in places or decoded.wait(60), "nothing is decoded while the first batch is computed"
            if 5 in places:
                computed.set()
            return super().__call__(ready)

    def write(entry: Entry, found: Any, batch: int) -> dict[str, Any]:
        assert entry.place or computed.wait(60), "nothing is computed while the first picture is written"
        return {"key": entry.key}

    local = Local(Stages(None, None, 2), write)  # type: ignore[arg-type]
    entries = [Entry(f"{place}", None, "", place=place) for place in range(8)]
    assert [line for _, line in local(entries, lambda: False)] == [{"key": f"{n}"} for n in range(8)]


DYING = """
import os, pathlib, signal
deaths = pathlib.Path(__file__).with_name("deaths")
count = len(deaths.read_text()) if deaths.exists() else 0
if count < {deaths}:
    deaths.write_text("x" * (count + 1))
    os.kill(os.getpid(), signal.SIGKILL)

from visioncam_core.plugins.hookspecs import hookimpl

@hookimpl
def visioncam_register_methods():
    return ()
"""


@pytest.mark.parametrize(("deaths", "code", "batch"), [(1, 0, 1), (9, 137, 1)])
def test_a_process_that_dies_is_started_again_with_half_the_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deaths: int, code: int, batch: int
) -> None:
    monkeypatch.setenv("PYTHONPATH", environment()["PYTHONPATH"])
    (tmp_path / "dying.py").write_text(DYING.format(deaths=deaths))
    Manifest(tmp_path).write_run({"batch": 2})
    told: list[str] = []
    assert supervise(["methods", "--plugin-file", str(tmp_path / "dying.py")], tmp_path, told.append) == code
    assert json.loads((tmp_path / "run.json").read_text())["batch"] == batch
    assert len(told) == 1
    assert told[0] == "the process died (-9), perhaps out of memory; restarted with half the batch"


@pytest.mark.parametrize("when", ["early", "between"])
def test_a_signal_that_the_run_could_not_catch_ends_it_with_the_shells_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    monkeypatch.setenv("PYTHONPATH", environment()["PYTHONPATH"])
    number = "SIGTERM" if when == "early" else "SIGKILL"
    (tmp_path / "dying.py").write_text(f"import os, signal\nos.kill(os.getpid(), signal.{number})\n")
    Manifest(tmp_path).write_run({"batch": 8})
    told: list[str] = []

    def tell(text: str) -> None:
        told.append(text)
        os.kill(os.getpid(), signal.SIGTERM)  # the one process is gone, the next not there

    assert supervise(["methods", "--plugin-file", str(tmp_path / "dying.py")], tmp_path, tell) == 143
    assert len(told) == (when == "between")
