"""Lists that answer at once however many rows there are: rows are counted so far and no further, and a search or filter
that no index helps looks through the newest rows first."""

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.utils.functional import cached_property

MOST = 10_000  # rows that a list counts, and pages through
NEWEST = 100_000  # rows that are looked through, until somebody asks for all of them
ALL = "all_rows"  # the parameter that does
# Of an address, these need no look through the rows: they follow a key, or are none of the rows' business.
_CHEAP = ("deployment", "o", "p", "e", "all", ALL)


class BoundedPaginator(Paginator):
    """Counts MOST rows and says where there are more; filters lead to those."""

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
    """Whether what an address asks can only be found by looking at each row. Ids and times have an index."""
    asked = [name for name, value in params.items() if name not in _CHEAP and value]
    narrowed = any(name.endswith("_id") or name.startswith("creation_time") for name in asked)
    finds_id = params.get("q", "").strip().isdecimal()
    return bool(asked) and not narrowed and not finds_id and ALL not in params


def floor(rows: QuerySet) -> int | None:
    """The key above which the newest rows stand; None where there are no more than these."""
    return next(iter(rows.order_by("-key").values_list("key", flat=True)[NEWEST : NEWEST + 1]), None)
