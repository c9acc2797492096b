"""Sizes of tensors in an exported program: torch evaluates them as Python, so only sums of symbols pass."""

from __future__ import annotations

import ast
import re

_SYMBOL = re.compile(r"[a-z]{1,4}\d{1,6}")
_NAMES = ("oo", "int_oo", "zoo", "nan", "true", "false")
_FUNCTIONS = re.compile(
    r"(Floor|Clean|Ceil)Div|ModularIndexing|Where|(Python)?Mod|(Ceil|Floor|Trunc|Round)To(Int|Float)"
    r"|Float(Pow|TrueDiv)|IntTrueDiv|RoundDecimal|ToFloat|Identity|Max|Min|Eq|Ne|Lt|Le|Gt|Ge|And|Or|Not"
    r"|Equality|Unequality|(Strict)?(Less|Greater)Than|floor|ceiling|Symbol|Integer|Float|Rational|Mul|Add|Pow"
    r"|PowByNatural"
)
_NODES = (
    *(ast.Expression, ast.Call, ast.Name, ast.Load, ast.Constant, ast.keyword),
    *(ast.BinOp, ast.UnaryOp, ast.Compare, ast.BoolOp, ast.operator, ast.unaryop, ast.cmpop, ast.boolop),
)
_NUMBER = re.compile(r"-?\d{0,20}\.?\d{0,20}(e[+-]?\d{1,3})?")  # Float('0.5', precision=53)
_LONGEST = 4000
_LARGEST = 2**63
_POWERS = ("Pow", "PowByNatural", "FloatPow")
_MOST = 8  # of an exponent


def is_plain_size(text: str) -> bool:
    """Return whether an expression consists of numbers, symbols and known functions alone.

    >>> is_plain_size("Mul(Integer(16), Symbol('s77', positive=True, integer=True))")
    True
    >>> is_plain_size("__import__('os')")
    False
    """
    if len(text) > _LONGEST:
        return False
    try:
        tree = ast.parse(text, mode="eval")
        return all(_is_plain(node) for node in ast.walk(tree))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def _is_plain(node: ast.AST) -> bool:
    if isinstance(node, ast.Name):
        known = node.id in _NAMES or _SYMBOL.fullmatch(node.id) or _FUNCTIONS.fullmatch(node.id)
        return bool(known)
    if isinstance(node, ast.Constant):
        value = node.value
        if isinstance(value, str):
            return bool(_SYMBOL.fullmatch(value) or _NUMBER.fullmatch(value))
        return isinstance(value, bool | int | float) and abs(value) <= _LARGEST
    if isinstance(node, ast.Call):
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        flags = all(one.arg and isinstance(one.value, ast.Constant) for one in node.keywords)
        power = name not in _POWERS or (len(node.args) == 2 and _is_small(node.args[1]))
        return bool(_FUNCTIONS.fullmatch(name)) and flags and power
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        return _is_small(node.right)
    if isinstance(node, ast.LShift | ast.RShift | ast.MatMult):
        return False
    return isinstance(node, _NODES)


def _is_small(node: ast.AST) -> bool:
    """Return whether an exponent is a small whole number."""
    if isinstance(node, ast.Call) and node.args and getattr(node.func, "id", "") == "Integer":
        node = node.args[0]
    node = node.operand if isinstance(node, ast.UnaryOp) else node
    return isinstance(node, ast.Constant) and isinstance(node.value, int) and node.value <= _MOST
