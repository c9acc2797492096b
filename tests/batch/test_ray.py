"""A local Ray cluster of two workers gives what one machine gives, also when a worker is killed."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.batch import contents, make_pictures, tiny_model
from helpers.cli import environment, run

import visioncam
from visioncam import distributed
from visioncam.batch.jsonl import read_lines
from visioncam_engines.keras.files.load import load_model

ray = pytest.importorskip("ray")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # Ray's own: deprecations, sockets it leaves to the end
]
COUNT = 120


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    os.environ["RAY_DEDUP_LOGS"] = "0"
    ray.init(
        num_cpus=2, include_dashboard=False, log_to_driver=False, configure_logging=False,
        runtime_env={"env_vars": {"PYTHONPATH": environment()["PYTHONPATH"], "CUDA_VISIBLE_DEVICES": "-1"}},
    )  # fmt: skip
    yield
    ray.shutdown()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a model, pictures of which one is bad, and what one machine makes of them."""
    root = tmp_path_factory.mktemp("ray")
    tiny_model().save(root / "tiny.keras")
    make_pictures(root / "in", COUNT)
    (root / "in" / "0050.png").write_text("bad")
    assert run("batch", root / "in", "-o", root / "one", "--model", root / "tiny.keras").code == 3
    return root


def lines(folder: Path, name: str = "manifest.jsonl") -> list[str]:
    return sorted(map(str, read_lines(folder / name)[0]))


def ours(path: Path) -> bool:
    """Return whether a process is a worker of Ray that maps, and a descendant of this one."""
    try:
        return path.read_bytes().startswith(b"ray::MapWorker") and str(os.getpid()) in ancestors(path.parent)
    except OSError:
        return False


def ancestors(process: Path) -> list[str]:
    found = []
    while process.name not in ("0", "1"):
        parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
        found.append(parent)
        process = process.parent / parent
    return found


def test_two_workers_write_what_one_machine_writes_and_a_killed_one_loses_nothing(
    cluster: None, world: Path
) -> None:
    killed: list[int] = []

    def kill_one_worker() -> None:
        end = time.monotonic() + 120
        while not list((world / "two").glob("*.npz")) and time.monotonic() < end:
            time.sleep(0.02)
        workers = [int(path.parent.name) for path in Path("/proc").glob("[0-9]*/cmdline") if ours(path)]
        for pid in workers[:1]:
            os.kill(pid, signal.SIGKILL)
            killed.append(pid)

    killer = threading.Thread(target=kill_one_worker)
    killer.start()
    command = ["batch", world / "in", "-o", world / "two", "--model", world / "tiny.keras", "--engine", "ray"]
    done = run(*command)
    killer.join()
    assert done.code == 3, done.stderr
    assert killed
    assert f"{COUNT - 1} explained; 1 failed (1 ImageError" in done.stdout
    assert contents(world / "two") == contents(world / "one")
    assert lines(world / "two") == lines(world / "one")
    assert lines(world / "two", "errors.jsonl") == lines(world / "one", "errors.jsonl")
    for name in list(contents(world / "two"))[:6]:
        (world / "two" / name).unlink()
    again = run(*command[:-2])  # one machine continues what the cluster began
    assert f"3 explained; {COUNT - 4} finished before; 1 failed" in again.stdout
    assert contents(world / "two") == contents(world / "one")


def test_rows_with_maps(cluster: None, world: Path) -> None:
    import ray.data

    rows = [{"image": str(world / "in" / f"{n:04d}.png"), "number": n, "class": n % 3} for n in range(48, 53)]
    found = distributed.explain(world / "tiny.keras", ray.data.from_items(rows), actors=(1, 1)).take_all()
    by_number = {row["number"]: row for row in found}
    assert sorted(by_number) == [48, 49, 50, 51, 52]
    assert "is not an image" in by_number[50]["error"]
    assert [row["error"] for number, row in by_number.items() if number != 50] == [""] * 4
    alone = visioncam.explain(
        load_model(world / "tiny.keras"),
        rows[3]["image"],
        target=rows[3]["class"],
    )
    np.testing.assert_allclose(by_number[51]["raw"], alone.raw, rtol=1e-4, atol=1e-6)
    assert by_number[51]["label"] == alone.target.label


def test_a_cluster_that_does_not_exist_is_named(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray, "is_initialized", lambda: False)

    def init(**given: Any) -> None:
        raise ConnectionError("Could not find any running Ray instance")

    monkeypatch.setattr(ray, "init", init)
    with pytest.raises(visioncam.VisionCamError, match="there is no Ray cluster at address 'auto'"):
        distributed.explain(world / "tiny.keras", world / "in", out=world / "x", address="auto")


@pytest.mark.parametrize(("args", "keywords"), [(("in",), {"model": "m.keras"}), (("in",), {"out": "x"})])
def test_the_order_of_before_names_the_new_one(args: tuple[str, ...], keywords: dict[str, str]) -> None:
    with pytest.raises(visioncam.VisionCamError, match=r"distributed\.explain\(model, dataset, \.\.\.\)"):
        distributed.explain(*args, **keywords)
