"""Models that run and cannot be opened: small files of ONNX, and a server as TensorFlow Serving is."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np

from helpers.functions import SIZE, WEIGHTS, linear


def onnx_file(
    path: Path,
    nodes: list[Any],
    weights: dict[str, np.ndarray],
    output: Any,
    picture: Any = (None, 3, *SIZE),
    **more: Any,
) -> Path:
    """Write a file whose input is `x` and whose output is `y`, and return its path.

    Args:
        path: of the file.
        nodes: made by `onnx.helper.make_node`.
        weights: constants by name.
        output: shape of `y`.
        picture: shape of `x`.
        **more: `dtype` of the picture; `metadata`; `change`, called with the model before it is saved.
    """
    import onnx
    from onnx import helper, numpy_helper

    kind = helper.np_dtype_to_tensor_dtype(np.dtype(more.get("dtype", "float32")))
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", kind, picture)],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, output)],
        [numpy_helper.from_array(values, name) for name, values in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, more.get("metadata", {}))
    more.get("change", lambda model: None)(model)
    path.write_bytes(model.SerializeToString())
    return path


def node(kind: str, given: str, gives: str, **attributes: Any) -> Any:
    """Return an operation; its inputs and outputs are separated by blanks."""
    from onnx import helper

    return helper.make_node(kind, given.split(), gives.split(), name=gives.split()[0], **attributes)


def linear_onnx(path: Path, **more: Any) -> Path:
    """Write `helpers.functions.linear` for pixels (N, 3, H, W) as one convolution, to (N, 2, 1, 1)."""
    kernel = np.zeros((2, 3, *SIZE), np.float32)
    kernel[0, 0] = kernel[1, 1] = np.kron(WEIGHTS, np.ones((4, 6))) / 24 / 255
    return onnx_file(
        path,
        [node("Conv", "x W b", "y")],
        {"W": kernel, "b": np.full(2, 3, np.float32)},
        (None, 2, 1, 1),
        **more,
    )


def small_onnx(path: Path, **more: Any) -> Path:
    """Write conv, relu, conv, relu, mean, dense."""
    rng = np.random.default_rng(0)
    shapes = {"U": (4, 3, 3, 3), "V": (5, 4, 3, 3), "D": (5, 3), "d": (3,)}
    nodes = [
        node("Conv", "x U", "first", pads=[1, 1, 1, 1], strides=[2, 2]),
        node("Relu", "first", "first_relu"),
        node("Conv", "first_relu V", "second", pads=[1, 1, 1, 1]),
        node("Relu", "second", "second_relu"),
        node("GlobalAveragePool", "second_relu", "pool"),
        node("Flatten", "pool", "flat"),
        node("Gemm", "flat D d", "y"),
    ]
    weights = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    return onnx_file(path, nodes, weights, (more.get("picture", (None,))[0], 3), **more)


class Serving(BaseHTTPRequestHandler):
    """Answers as TensorFlow Serving does, with `linear`; what it is asked is in `server.asked`."""

    server: Any

    def log_message(self, *told: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self._answer(*self.server.answers.get(self.path, (404, {"error": "Servable not found"})))

    def do_POST(self) -> None:
        self.server.asked.append(self.path)
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        told = self.server.answers.get(self.path)
        if told is None:
            found = linear(np.array(body["instances"], np.float32)).tolist()
            told = (
                200,
                {"predictions": found if self.server.bare else [{"other": "a", "scores": x} for x in found]},
            )
        self._answer(*told)

    def _answer(self, status: int, body: Any, **headers: str) -> None:
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(text)), **self.server.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)


def signature(size: tuple[int, ...] = SIZE, **outputs: str) -> dict[str, Any]:
    """Return what `GET .../metadata` answers."""

    def told(dtype: str, *sizes: int) -> dict[str, Any]:
        return {
            "dtype": dtype,
            "tensor_shape": {"dim": [{"size": str(n)} for n in sizes], "unknown_rank": False},
        }

    of = {
        "inputs": {"picture": told("DT_FLOAT", -1, *size, 3)},
        "outputs": {name: told(dtype, -1, 2) for name, dtype in outputs.items()},
    }
    return {"metadata": {"signature_def": {"signature_def": {"serving_default": of}}}}


@contextlib.contextmanager
def serving(answers: dict[str, Any] | None = None, bare: bool = True) -> Iterator[tuple[str, Any]]:
    """Run a server; yield the address of its model, and the server."""
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Serving)
    server.answers, server.asked, server.bare, server.headers = answers or {}, [], bare, {}
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1/models/linear", server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
