"""Models that a visitor names in the browser, where the owner lets them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers.app import answered, join, question, served, small_model, uploaded

pytest.importorskip("gradio")


def test_a_visitor_names_a_model(tmp_path: Path, examples: Path) -> None:
    """Put as the page puts it: the path, class names, and what cannot be opened as a message."""
    (tmp_path / "mine").mkdir()
    model = small_model(tmp_path / "mine").rename(tmp_path / "mine" / "other.keras")
    first = small_model(tmp_path)
    photo = (examples / "chelsea.png").read_bytes()
    with served(tmp_path, "--model", str(first), "--allow-models", "files") as app:

        def told(session: str, name: str, **more: Any) -> str:
            asking = question(app, uploaded(app, f"{session}.png", photo), session, Model=name, **more)
            assert join(app, asking)[0] == 200
            return str(answered(app, session)[1])

        names = {"Class names": "cat\nowl\nmoon\nsun\nstar", "Class": "owl"}
        assert "owl (1)" in told("visitor", str(model), **names)
        assert "no such model file" in told("lost", str(tmp_path / "none.keras"))
        assert "would run code of this computer" in told("sly", "os:getcwd")
