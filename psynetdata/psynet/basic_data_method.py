"""`get_basic_data` as it stands in the text of an experiment.py: read, never imported and never run."""

import ast
import io
import tokenize

NAME = "get_basic_data"
# Bytes; PsyNet's own largest experiment.py has 60,000. Parsing takes some hundred times as much memory.
LARGEST = 1 << 20
# What ast raises for a text that is no Python of this version, or nested beyond its depth.
_UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)


def find(script: bytes) -> str:
    """The method's lines, decorators too, as they stand in its class; "" where there is none or nobody can tell.

    Of several classes that have one the last counts: it is where an experiment's own class stands.
    """
    if len(script) > LARGEST:
        return ""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(script).readline)
        text = script.decode(encoding)
        methods = [found for node in ast.parse(text).body for found in _methods(node)]
    except _UNREADABLE:
        return ""
    return _lines(text, methods[-1]) if methods else ""


def _methods(node: ast.stmt) -> list[ast.FunctionDef]:
    inside = node.body if isinstance(node, ast.ClassDef) else []
    return [one for one in inside if isinstance(one, ast.FunctionDef) and one.name == NAME]


def _lines(text: str, method: ast.FunctionDef) -> str:
    first = min([method.lineno, *(decorator.lineno for decorator in method.decorator_list)])
    # As Python counts lines; splitlines() would also cut at a form feed or a Unicode separator.
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(lines[first - 1 : method.end_lineno])
