from rest_framework.pagination import CursorPagination


class Pages(CursorPagination):
    """Newest first; `limit` rows a page, `next` and `previous` links that new rows do not shift."""

    page_size = 100
    page_size_query_param = "limit"
    max_page_size = 1000
    ordering = "-pk"
