"""What the page says of an answer, as HTML; text from models, files and plugins is escaped."""

from __future__ import annotations

import html
import os

from visioncam.app.answer import Answer
from visioncam_core.errors import VisionCamError, is_full
from visioncam_core.files import without_folders
from visioncam_core.results.describe import facts, shared_notes
from visioncam_core.results.explanation import Explanation
from visioncam_core.text import clean


def error_box(error: BaseException) -> str:
    """Return an error as a box for the page: no folder's name, and of an internal one no details."""
    if isinstance(error, VisionCamError):
        message = " ".join(str(error).split())
    elif is_full(error):
        message = "no space left on the device"
    elif isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
        message = "out of memory; use a smaller photo"
    elif isinstance(error, OSError) and error.strerror:
        message = f"the operating system refused: {without_folders(error.strerror)}{_file_name(error)}"
    else:
        message = "something went wrong in the app itself; see the terminal for details"
    return f'<div class="vc-error" role="alert">{_safe(message)}</div>'


def _file_name(error: OSError) -> str:
    """Return the name of the file that the system refused, without its folders."""
    path = error.filename
    return f": {os.path.basename(os.fsdecode(path))!r}" if isinstance(path, str | bytes | os.PathLike) else ""


def words(answer: Answer) -> str:
    """Return what the model sees, what was explained and where, and caveats."""
    found = list(answer.comparison)
    first = found[0]
    about = facts(first)
    rows = [
        ("Explained", _safe(f"{about['Class']}; {about['Score']}")),
        ("Layer", f"{_safe(first.layer.path)}<small>{_safe(first.layer.why)}</small>"),
        ("Model", _safe(answer.model)),
    ]
    rows += [("Account", _safe(f"{one.method_title}: {one.account}")) for one in found if one.account]
    for note, names in shared_notes(found, [one.method_title for one in found]):
        who = f"{', '.join(names)}: " if names else ""
        fix = "" if note.fix.startswith("nothing to do") else f"<small>{_safe(note.fix)}</small>"
        rows.append(("Note", f"{_safe(who + note.message)}{fix}"))
    for method, why in answer.comparison.failures.items():
        rows.append((f"No {method}", _safe(why)))
    lines = "".join(f"<tr><th>{_safe(name)}</th><td>{text}</td></tr>" for name, text in rows)
    return f'<div class="vc-words">{_best_classes(first)}<table>{lines}</table></div>'


def class_choices(answer: Answer) -> list[tuple[str, str]]:
    """Return (text, value) of the model's best classes."""
    one = answer.comparison[0]
    return [(f"{row.short_name}: {row.amount(one.probabilities)}", str(row.index)) for row in one.predictions]


def _best_classes(one: Explanation) -> str:
    """Return the model's best classes with bars."""
    if not one.predictions:
        return ""
    lines = []
    for row in one.predictions:
        width = 100 * row.value if one.probabilities else 0
        mine = ' class="vc-mine"' if row.index == one.target.index else ""
        lines.append(
            f"<li{mine}><span>{_safe(row.short_name)}</span><b>{row.amount(one.probabilities)}</b>"
            f'<i style="width:{min(max(width, 0), 100):.1f}%"></i></li>'
        )
    return f'<ol class="vc-sees" aria-label="what the model sees">{"".join(lines)}</ol>'


def _safe(text: str) -> str:
    return html.escape(clean(text), quote=True)
