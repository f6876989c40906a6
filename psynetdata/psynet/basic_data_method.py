"""Finds `get_basic_data` in the text of an experiment.py, which is only read: never imported and never run."""

import ast
import io
import tokenize

NAME = "get_basic_data"
# Bytes; PsyNet's own largest experiment.py has 60,000. Parsing takes about a hundred times as much memory.
LARGEST = 1 << 20
# Errors that ast raises for text that is not Python of this version, or that is nested too deeply.
_UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)


def find(script: bytes) -> str:
    """Return the method's lines, including decorators, as they appear in its class; "" if none can be found.

    If several classes have one, the last one counts: the experiment's own class comes last in the file.
    """
    if len(script) > LARGEST:
        return ""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(script).readline)
        text = script.decode(encoding)
        methods = [candidates for node in ast.parse(text).body for candidates in _methods(node)]
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
