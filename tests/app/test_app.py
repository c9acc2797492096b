"""The app as a visitor meets it: over HTTP, and in a browser; one server for all of it, ended at last."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from helpers.app import (
    HOSTILE,
    Served,
    answered,
    asked,
    for_downloads,
    form,
    hanging_plugin,
    join,
    question,
    served,
    small_model,
    uploaded,
)

pytest.importorskip("gradio")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("app")
    model = small_model(folder)
    plugin = ("--plugin-file", str(hanging_plugin(folder)))
    with served(
        folder, *plugin, "--model", str(model), "--class-names", str(folder / "names.json")
    ) as running:
        yield running


def test_it_listens_on_this_computer_only(app: Served) -> None:
    own = {os.readlink(f"/proc/{app.process.pid}/fd/{n}") for n in os.listdir(f"/proc/{app.process.pid}/fd")}
    found = set()
    for family, length in (("tcp", 4), ("tcp6", 16)):
        for line in Path(f"/proc/net/{family}").read_text().splitlines()[1:]:
            cells = line.split()
            if cells[3] == "0A" and f"socket:[{cells[9]}]" in own:
                words = bytes.fromhex(cells[1].partition(":")[0])
                packed = b"".join(
                    struct.pack("<I", *struct.unpack(">I", words[i : i + 4])) for i in range(0, length, 4)
                )
                found.add(socket.inet_ntop(socket.AF_INET if length == 4 else socket.AF_INET6, packed))
    assert "127.0.0.1" in found
    assert found <= {"127.0.0.1", "::1"}


def test_strangers_and_odd_paths_are_refused(app: Served) -> None:
    status, headers, page = asked(app, "/")
    assert status == 200
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert b"fonts.googleapis" not in page
    assert asked(app, "/", Host="evil.example")[0] == 403
    body, kind = form("x.png", b"x")
    assert asked(app, "/gradio_api/upload", body, Content_Type=kind, Origin="http://evil.example")[0] == 403
    for path in (
        "/gradio_api/file=/etc/passwd", "/gradio_api/file=%2fetc%2fpasswd", "/static/../../../etc/passwd",
        "/static/%2e%2e/%2e%2e/etc/passwd", "/gradio_api/proxy=http://evil.example/", "/docs",
        "/gradio_api/openapi.json", "/gradio_api/run/explain", "/monitoring", "/gradio_api/file=http://evil.example/x.png",
    ):  # fmt: skip
        status, headers, page = asked(app, path)
        assert status == 404, path
        assert headers["x-content-type-options"] == "nosniff"
        assert not {b"Traceback", b"site-packages", b"passwd:"} & {page}


def test_an_upload_that_is_too_large_is_refused_unread(app: Served) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", app.port, timeout=60)
    connection.putrequest("POST", "/gradio_api/upload")
    connection.putheader("Content-Length", str(21 * 2**20))
    connection.endheaders()  # and not a byte of the body
    answer = connection.getresponse()
    assert answer.status == 413
    assert "at most 20 MiB" in json.loads(answer.read())["detail"]
    connection.close()


def test_an_upload_lands_in_the_private_folder_whatever_it_is_called(app: Served) -> None:
    before = {path for path in app.temporary.parent.rglob("*") if app.temporary not in path.parents}
    for name in (
        "../../../evil.png",
        "/etc/evil.png",
        "C:\\evil.png",
        "a" * 4000 + ".png",
        'q";\\r\\nX: y.png',
    ):
        body, kind = form(name, b"\x89PNG")
        status, _, page = asked(app, "/gradio_api/upload", body, Content_Type=kind)
        if status == 200:
            (path,) = json.loads(page)
            assert Path(os.path.realpath(path)).is_relative_to(os.path.realpath(app.temporary))
        else:
            assert status == 400
            assert b"Traceback" not in page
    assert {path for path in app.temporary.parent.rglob("*") if app.temporary not in path.parents} == before


def test_a_visitor_cannot_name_a_file_of_this_computer(app: Served) -> None:
    """The question is put as the page puts it, with a path that was never uploaded."""
    body = question(app, "/etc/passwd", "abcdefghij")
    status, _, answer = join(app, body)
    assert status == 403
    assert b"not uploaded" in answer


def test_many_ask_at_once(app: Served, examples: Path) -> None:
    """What waits is limited; each of the others gets the answer to its own question."""
    photo = (examples / "chelsea.png").read_bytes()
    bodies = {
        f"visitor{number:02}": question(
            app, uploaded(app, f"photo{number:02}.png", photo), f"visitor{number:02}"
        )
        for number in range(20)
    }
    with ThreadPoolExecutor(20) as pool:
        put = dict(zip(bodies, pool.map(lambda body: join(app, body), bodies.values()), strict=True))
    refused = [got for got in put.values() if got[0] != 200]
    assert 8 <= len(put) - len(refused) <= 12  # some wait, some may be done already
    for status, headers, _ in refused:
        assert (status, headers["retry-after"]) == (503, "10")
    for session, (status, *_) in put.items():
        if status == 200:
            answered(app, session)
            assert join(app, for_downloads(app, session))[0] == 200
            names = [Path(file["path"]).name for file in answered(app, session)[0]["value"]]
            assert f"photo{session[-2:]}_gradcam.npz" in names


@pytest.fixture(scope="module")
def page(app: Served) -> Iterator[Any]:
    """A page in a headless Chromium; what it asked for and what it complained of lie in its attributes."""
    sync_api = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("Debian's chromium is not installed")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        made = browser.new_page()
        made.set_default_timeout(20_000)
        made.asked, made.complaints = [], []
        made.on("request", lambda request: made.asked.append(request.url))
        made.on("pageerror", lambda error: made.complaints.append(str(error)))
        made.on("console", lambda line: line.type == "error" and made.complaints.append(line.text))
        made.goto(app.url)
        yield made
        browser.close()


def shown(page: Any) -> list[str]:
    """Return the addresses of the pictures among the maps."""
    return [image.get_attribute("src") for image in page.query_selector_all("#vc-maps img")]


def drop(page: Any, path: Path) -> None:
    page.set_input_files("#vc-photo input[type=file]", str(path))


def pick(page: Any, box: str, text: str) -> None:
    page.click(f"{box} input")
    page.click(f"li[role=option]:has-text('{text}')")


def test_a_photo_is_explained_in_the_browser(page: Any, app: Served, examples: Path, tmp_path: Path) -> None:
    drop(page, examples / "chelsea.png")
    page.wait_for_selector("#vc-downloads a")
    first = shown(page)
    assert len(first) == 2
    about = page.inner_text("#vc-about")
    assert HOSTILE in about  # in the list of classes, as text
    assert "second" in about  # the layer
    with page.expect_download() as caught:
        page.click("#vc-downloads a[href*=npz]")
    caught.value.save_as(tmp_path / "map.npz")
    import visioncam

    assert visioncam.load(tmp_path / "map.npz").method == "gradcam"

    pick(page, "#vc-method", "HiResCAM")  # asks again at once: it is quick
    page.wait_for_function(f"document.querySelectorAll('#vc-maps img')[1]?.src != {first[1]!r}")
    page.wait_for_selector("#vc-downloads a[href*='hirescam.npz']")
    second = shown(page)
    pictures = [page.request.get(address).body() for address in (first[1], second[1])]
    assert pictures[0] != pictures[1]

    pick(page, "#vc-method", "Score-CAM")  # slow: waits for the button, and its option is there
    page.wait_for_selector("text=weights")
    assert [address.partition("answer-")[2] for address in shown(page)][1].endswith("hirescam.webp")
    page.click("#vc-explain")
    page.wait_for_selector("#vc-downloads a[href*='scorecam.npz']")


def test_a_bad_file_gets_a_message(page: Any, tmp_path: Path) -> None:
    page.click("#vc-photo button[aria-label='Clear']")
    page.wait_for_selector(".vc-hint")
    (tmp_path / "holiday.jpg").write_bytes(b"no photo")
    drop(page, tmp_path / "holiday.jpg")
    page.wait_for_selector(".vc-error")
    message = page.inner_text(".vc-error")
    assert message.startswith("'holiday.jpg': is not an image")
    assert shown(page) == []
    page.click("#vc-photo button[aria-label='Clear']")
    page.wait_for_selector(".vc-hint")
    page.click("#vc-examples img >> nth=1")  # and goes on
    page.wait_for_selector("#vc-downloads a")
    assert len(shown(page)) == 2


def test_nothing_was_asked_of_anybody_else(page: Any, app: Served) -> None:
    assert page.asked
    strangers = [url for url in page.asked if not url.startswith((app.url, "data:", "blob:" + app.url))]
    assert strangers == []
    assert page.complaints == []
    assert page.evaluate("[...document.fonts].filter(font => font.status == 'loaded').length") == 0


def test_it_ends_when_interrupted_and_leaves_nothing(app: Served, examples: Path) -> None:
    """Also while a question is answered that may take two minutes."""
    photo = uploaded(app, "cat.png", (examples / "chelsea.png").read_bytes())
    assert join(app, question(app, photo, "impatient", Method="hang"))[0] == 200
    begun = app.temporary.parent / "hanging"
    for _ in range(600):
        if begun.exists():
            break
        time.sleep(0.05)
    assert begun.exists()
    children = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(app.process.pid)], capture_output=True, text=True
    )
    assert children.stdout.split() == []
    assert list(app.temporary.iterdir()) != []
    assert app.interrupt() == 0
    assert list(app.temporary.iterdir()) == []
