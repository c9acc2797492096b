"""Which functions of ours a call enters, in order."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from helpers.source import PACKAGES, folder


def walk(call: Callable[[], object]) -> list[CodeType]:
    """Return the functions of ours that `call` enters, each once, in the order of their first entry."""
    roots = tuple(f"{folder(package)}/" for package in PACKAGES)
    entered: dict[CodeType, None] = {}

    def note(frame: FrameType, event: str, arg: Any) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(roots):
            entered.setdefault(frame.f_code)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        call()
    finally:
        sys.setprofile(before)
    return list(entered)


def files(entered: list[CodeType]) -> list[str]:
    """Return the files of these functions, in order."""
    return list(dict.fromkeys(name(code).partition(":")[0] for code in entered))


def functions(entered: list[CodeType], room: str) -> list[str]:
    """Return those of a room, such as `visioncam_core/pipeline`; comprehensions and lambdas left out."""
    return [name(code) for code in entered if name(code).startswith(f"{room}/") and code.co_name[0] != "<"]


def name(code: CodeType) -> str:
    """Return `visioncam_core/pipeline/apply.py:apply`."""
    path = Path(code.co_filename)
    root = next(parent for parent in path.parents if parent.name in PACKAGES)
    return f"{root.name}/{path.relative_to(root).as_posix()}:{code.co_qualname}"
