"""Parses the JSON that a client sends."""

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser


class JSONBody(JSONParser):
    """DRF's parser, which also answers 400 to texts that no database can store, and to very deep nesting."""

    def parse(self, stream, media_type=None, parser_context=None):
        try:
            parsed = super().parse(stream, media_type, parser_context)
            readable = _is_text(parsed)
        except RecursionError:
            raise ParseError("JSON parse error - it is nested too deeply.") from None
        if not readable:
            raise ParseError("JSON parse error - it contains half of a surrogate pair, which is not valid text.")
        return parsed


def _is_text(value) -> bool:
    """Return whether every text in a JSON value can be written as UTF-8."""
    if isinstance(value, dict):
        return all(_is_text(key) and _is_text(item) for key, item in value.items())
    if isinstance(value, list):
        return all(_is_text(item) for item in value)
    return not isinstance(value, str) or not any("\ud800" <= one <= "\udfff" for one in value)
