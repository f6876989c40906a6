"""Lists that respond quickly with any number of rows: they count rows only up to a limit, and a search or filter
without an index searches the newest rows first."""

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.utils.functional import cached_property

MOST = 10_000  # rows that a list counts and shows on its pages
NEWEST = 100_000  # rows that are searched, unless all are requested
ALL = "all_rows"  # the URL parameter that requests all
# URL parameters that do not require searching the rows: they use a key, or have nothing to do with the rows.
_CHEAP = ("deployment", "o", "p", "e", "all", ALL)


class BoundedPaginator(Paginator):
    """Counts up to MOST rows and shows whether there are more, which can be found with filters."""

    template_name = "admin/psynetdata/pagination.html"

    @cached_property
    def _counted(self) -> int:
        return self.object_list.order_by().values("pk")[: MOST + 1].count()

    @property
    def count(self) -> int:
        return min(self._counted, MOST)

    @property
    def has_more(self) -> bool:
        return self._counted > MOST


def looks_through(params: dict[str, str]) -> bool:
    """Return whether the URL's search or filters require reading each row. Ids and times have an index."""
    asked = [name for name, value in params.items() if name not in _CHEAP and value]
    narrowed = any(name.endswith("_id") or name.startswith("creation_time") for name in asked)
    finds_id = params.get("q", "").strip().isdecimal()
    return bool(asked) and not narrowed and not finds_id and ALL not in params


def floor(rows: QuerySet) -> int | None:
    """Return the key above which the NEWEST rows are; None if there are no other rows."""
    return next(iter(rows.order_by("-key").values_list("key", flat=True)[NEWEST : NEWEST + 1]), None)
