"""A SavedModel: which operations of its graph reach outside it.

A SavedModel is a program that TensorFlow runs without any sandbox: one wrote files, another returned a
file of the system as its prediction.  So it is loaded only where the user says its maker is trusted, and
even then not where an operation reads or writes files, runs Python or calls other machines.  No proof, that.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from visioncam_core.errors import ModelError, UnsafeModelError
from visioncam_core.images.files import quoted
from visioncam_core.results.provenance import check_digest
from visioncam_core.text import error_text
from visioncam_engines.archives import TOTAL

OUTSIDE = re.compile(
    r"(Read|Write|Matching)Files?|.*PyFunc.*|RemoteCall|Rpc.*|.*Reader(V2)?|(TFRecord|TextLine|LMDB|"
    r"FixedLengthRecord|GeneratorDataset|Sql).*|InitializeTableFromTextFile.*|Debug.*|Send|Recv|"
    r"(Delete|Rename)File|Load(Data)?set.*|SnapshotDataset.*|.*SummaryWriter.*|WriteGraphSummary"
)
SAVING = re.compile(r"(Save|Restore)(V2|Slices|Slice)?|MergeV2Checkpoints")
_SAVER = re.compile(r"__inference__traced_(save|restore)_\d+")


def check_saved_model(folder: str | os.PathLike[str]) -> list[str]:
    """Return the operations of a SavedModel that reach outside it, in words; empty when none does.

    TensorFlow is loaded to parse the graph, and nothing in it is run.  A damaged one is a `ValueError`.
    """
    path = Path(folder, "saved_model.pb")
    if path.stat().st_size > TOTAL:
        return [f"its graph takes {path.stat().st_size:,} bytes"]
    from tensorflow.core.protobuf import saved_model_pb2

    saved = saved_model_pb2.SavedModel()
    try:
        saved.ParseFromString(path.read_bytes())
    except Exception as error:  # protobuf has a class of its own for it
        raise ValueError("saved_model.pb is damaged") from error
    found: dict[str, None] = {}
    for graph in saved.meta_graphs:
        for node in graph.graph_def.node:
            found |= dict.fromkeys(_reaching(node, "the graph", ours=False))
        for function in graph.graph_def.library.function:
            name = function.signature.name
            for node in function.node_def:
                found |= dict.fromkeys(_reaching(node, name, ours=bool(_SAVER.fullmatch(name))))
    return list(found)


def _reaching(node: Any, place: str, *, ours: bool) -> list[str]:
    """Return what is wrong with one operation; `ours`: of the functions that load the variables."""
    if OUTSIDE.fullmatch(node.op) or (SAVING.fullmatch(node.op) and not ours):
        return [f"the operation {node.op} in {place}"]
    if node.op == "PrintV2" and node.attr["output_stream"].s not in (b"stdout", b"stderr"):
        return [f"the operation PrintV2 writes a file in {place}"]
    if ours or place == "the graph":
        return []
    called = [value.func.name for value in node.attr.values() if _SAVER.fullmatch(value.func.name)]
    return [f"{place} calls {name}, which reads or writes files" for name in called]


def load_saved_model(path: str | os.PathLike[str], *, sha256: str | None = None) -> Any:
    """Load the folder of a SavedModel; one whose graph reaches outside it is refused.

    Args:
        path: the folder.
        sha256: the checksum that it must have, as results name it.
    """
    name = quoted(os.fsdecode(os.fspath(path)))
    try:
        check_digest(path, sha256, name)
        reaching = check_saved_model(path)
    except (OSError, ValueError) as error:
        raise ModelError(f"{name}: cannot be read ({error}); export it again") from error
    if reaching:
        raise UnsafeModelError(
            f"{name}: {'; '.join(reaching[:3])}: it accesses files outside the model, and is not loaded"
        )
    import tensorflow as tf

    try:
        return tf.saved_model.load(os.fsdecode(os.fspath(path)))
    except Exception as error:  # a damaged graph can make its reader raise anything
        raise ModelError(
            f"{name}: cannot be loaded by TensorFlow: {error_text(error)}; export it again"
        ) from error
