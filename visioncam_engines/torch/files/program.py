"""The program in an archive of `torch.export`, checked word by word before torch reads it.

torch looks functions up by the names in it (`torch.os.system` would be found), evaluates its expressions of
sizes, runs its guards and writes Python from its names.  So only what a network needs passes: operators of
PyTorch itself, plain names, sums of symbols; what is not needed to run it is left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from visioncam_core.text import brief
from visioncam_engines.torch.files.expressions import is_plain_size

DEEPEST = 60
_NAME = re.compile(r"\w{0,300}")
_DOTTED = re.compile(r"[\w.]{0,300}")
_WORDS = re.compile(r"[\w.+\-:]{0,100}")
_STACK = re.compile(r"[\w.,;\[\]()<>@'# ]*")
_OPERATOR = re.compile(r"torch\.ops\.(aten|torchvision)\.(\w+)\.\w+")
_PLAIN = re.compile(
    r"_operator\.(getitem|add|sub|mul|truediv|floordiv|mod|neg|pos|pow|eq|ne|lt|le|gt|ge|and_|or_|not_)"
    r"|math\.(ceil|floor|trunc|sqrt)|torch\.sym_(int|float|not|max|min|ite|sum|sqrt)"
    r"|torch\._sym_sqrt|torch\.ops\.higher_order\.wrap_with_(set_grad_enabled|autocast)"
)
_INNER = re.compile(  # of those whose names begin with _; the others reach into memory, and are for compilers
    r"_assert_tensor_metadata|_assert_scalar|_assert_async|_native_batch_norm_legit(_no_training|_functional)?"
    r"|_(log_)?softmax|_to_copy|_unsafe_view|_adaptive_avg_pool[23]d|_conv_depthwise2d|_convolution(_mode)?"
    r"|_upsample_\w+|_scaled_dot_product_\w+|_native_multi_head_attention|_transformer_encoder_layer_fwd"
    r"|_weight_norm(_interface)?|_embedding_bag|_fft_\w+|_cdist_forward|_pdist_forward|_trilinear|_euclidean_dist"
    r"|_reshape_alias|_shape_as_tensor|_batch_norm_with_update|_batch_norm_no_update|_stack|_cat|_unique2?"
)
_REFUSED = ("from_file", "set_", "resize_", "set_data", "_print")
_TREES = (None, "builtins.tuple", "builtins.list", "builtins.dict", "collections.OrderedDict")
_DROPPED: dict[str, Any] = {"metadata": {}, "guards_code": []}
"""What only tells where a program comes from, or would be run as Python."""


def checked_program(payload: bytes) -> tuple[dict[str, Any], list[str]]:
    """Return a program without what is not needed, and what speaks against it, in words.

    Raises:
        ValueError: it is no JSON, or nested too deep.
    """
    try:
        tree = json.loads(payload)
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    if not isinstance(tree, dict):
        raise ValueError("it is not a program")
    tree = _lean(tree)
    found = dict.fromkeys(_problems(tree))
    return tree, list(found)


def _lean(tree: Any, key: str = "", depth: int = 0) -> Any:
    if depth > DEEPEST:
        raise ValueError(f"it is nested more than {DEEPEST} deep")
    if key == "metadata" and isinstance(tree, dict) and isinstance(tree.get("nn_module_stack"), str):
        return {"nn_module_stack": tree["nn_module_stack"]}
    if key in _DROPPED:
        return _DROPPED[key]
    if isinstance(tree, dict):
        return {name: _lean(value, name, depth + 1) for name, value in tree.items()}
    return [_lean(value, "", depth + 1) for value in tree] if isinstance(tree, list) else tree


def _problems(tree: Any) -> Iterator[str]:
    """Yield what is wrong with the words of a program."""
    for key, value in _words(tree):
        check = _CHECKS.get(key)
        if check is not None:
            yield from check(value)
        elif not _NAME.fullmatch(value):
            yield f"{key or 'a word'} is not a plain name ({brief(value, 60)})"


def _words(tree: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text in a program with the key that it stands under; the keys are words as well."""
    if isinstance(tree, str):
        yield key, tree
    elif isinstance(tree, dict):
        for name, value in tree.items():
            yield "key", name
            yield from _words(value, name)
    elif isinstance(tree, list):
        for value in tree:
            yield from _words(value, key)


def _target(text: str) -> Iterator[str]:
    """Yield why an operator may not be called."""
    found = _OPERATOR.fullmatch(text)
    if found is None:
        if not _PLAIN.fullmatch(text):
            yield f"it calls {brief(text, 80)}, which is not one of PyTorch's own operators"
    elif found[2] in _REFUSED or (found[2].startswith("_") and not _INNER.fullmatch(found[2])):
        yield f"it calls {brief(text, 80)}, which a network does not need"


def _expression(text: str) -> Iterator[str]:
    """Yield why an expression of sizes may not be evaluated."""
    if not is_plain_size(text):
        yield f"a size is not a plain expression ({brief(text, 60)})"


def _tree(text: str) -> Iterator[str]:
    """Yield why a description of nested inputs or outputs may not be read."""
    try:
        version, top = json.loads(text)
        left = [top]
        while left:
            node = left.pop()
            if version != 1 or node["type"] not in _TREES:
                yield f"its inputs or outputs are packed in {brief(node['type'], 60)}; return plain tensors"
                return
            context = json.loads(node["context"]) if node["context"] else None
            if not (context is None or (isinstance(context, list) and all(map(_is_plain, context)))):
                yield f"its inputs or outputs are named by {brief(context, 60)}"
            left += node["children_spec"]
    except (ValueError, TypeError, KeyError, RecursionError):
        yield f"its inputs or outputs cannot be read ({brief(text, 60)})"


def _is_plain(value: Any) -> bool:
    return isinstance(value, str) and bool(_DOTTED.fullmatch(value))


def _only(pattern: re.Pattern[str], what: str) -> Callable[[str], Iterator[str]]:
    def check(text: str) -> Iterator[str]:
        if not pattern.fullmatch(text):
            yield f"{what} is not a plain name ({brief(text, 60)})"

    return check


def _any(text: str) -> Iterator[str]:
    """Pass a text that an operator takes, such as "same" or an equation of einsum: torch quotes it."""
    if len(text) > 1000:
        yield f"a text is {len(text)} characters long"


_CHECKS: dict[str, Callable[[str], Iterator[str]]] = {
    "key": _only(_DOTTED, "a name"),
    "target": _target,
    "expr_str": _expression,
    "in_spec": _tree,
    "out_spec": _tree,
    "as_string": _any,
    "as_strings": _any,
    "nn_module_stack": _only(_STACK, "a module"),
    "fqn": _only(re.compile(r"[\w.@]{0,300}"), "a module"),
    "parameter_name": _only(_DOTTED, "a weight"),
    "buffer_name": _only(_DOTTED, "a weight"),
    "tensor_constant_name": _only(_DOTTED, "a constant"),
    "torch_version": _only(_WORDS, "the version"),
    "class_fqn": lambda text: iter((f"it needs the object {brief(text, 60)}",)),
    "blob": lambda text: iter(("it carries a blob",)),
}
