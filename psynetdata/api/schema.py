"""Adds the errors that every operation can return to the whole OpenAPI schema (a hook of drf-spectacular)."""

_ERRORS = {
    "400": "The request is wrong; the sentence explains why.",
    "401": "The credential is missing or not valid.",
    "403": "The caller is not allowed to do this.",
    "404": "It does not exist, or the caller may not see it.",
    "405": "This method is not allowed.",
    "406": "It is not available in the requested format.",
    "409": "Its current state does not allow this.",
    "410": "It is no longer stored, or no longer open.",
    "413": "The request is too large.",
    "415": "The body is not JSON.",
    "429": "Too many requests (Retry-After is the time to wait), or too many of your exports wait already.",
    "500": "It failed; the server's log has the details.",
    "503": "A required service does not respond.",
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
