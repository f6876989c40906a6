"""What every operation can answer, told once for the whole OpenAPI schema (a hook of drf-spectacular's)."""

_ERRORS = {
    "400": "Something in the request is off; the sentence says what.",
    "401": "There is no credential, or one that is not valid.",
    "403": "The caller may not.",
    "404": "There is no such thing, or not for this caller.",
    "405": "Another method.",
    "406": "Not in the form that was asked for.",
    "409": "Its state does not allow it.",
    "410": "It is not kept, or not open, any more.",
    "413": "What was sent is too large.",
    "415": "The body is no JSON.",
    "429": "Too many requests; Retry-After tells when to come again.",
    "500": "It failed; the server's log has the details.",
    "503": "What it needs does not answer.",
}
_DETAIL = {
    "type": "object",
    "properties": {"detail": {"type": "string", "description": "One sentence."}},
    "additionalProperties": True,
}


def with_errors(result: dict, generator, request, public) -> dict:
    result.setdefault("components", {}).setdefault("schemas", {})["Error"] = _DETAIL
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    for operations in result["paths"].values():
        for operation in operations.values():
            if isinstance(operation, dict) and "responses" in operation:
                for status, description in _ERRORS.items():
                    operation["responses"].setdefault(status, {"description": description, "content": content})
    return result
