from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination

_DIGITS = 18  # of a number that every database can hold


class Pages(CursorPagination):
    """Newest first; `limit` rows a page; `next` and `previous` links that new rows do not shift."""

    page_size = 100
    page_size_query_param = "limit"
    max_page_size = 1000
    ordering = "-pk"

    def decode_cursor(self, request):
        """Return the cursor. Raises NotFound if it is invalid, also if its position is not a row's number."""
        cursor = super().decode_cursor(request)
        position = cursor.position if cursor else None
        if position is not None and not (position.isascii() and position.isdecimal() and len(position) <= _DIGITS):
            raise NotFound(self.invalid_cursor_message)
        return cursor
