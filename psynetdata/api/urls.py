from django.urls import path, re_path

from .basic_data import BasicDataView, LinkView, SheetViewSet
from .docs import DocsView, SchemaView
from .health import healthz

_sheet = SheetViewSet.as_view({"get": "list"})
_row = SheetViewSet.as_view({"get": "retrieve"})
_of_slashes = SheetViewSet.as_view({"get": "sheet_or_row"}, schema=None)

urlpatterns = [
    # PsyNet's own URL, for scripts that use it.
    re_path(r"^basic_data/?$", BasicDataView.as_view(schema=None)),
    path("api/basic_data/", BasicDataView.as_view(), name="basic-data"),
    path("api/basic_data/<str:sheet>/", _sheet, name="sheet"),
    path("api/basic_data/<str:sheet>/<str:row_id>/", _row, name="sheet-row"),
    # An experimenter's class or table can have any name, also one with a slash, a line end, or none at all.
    re_path(r"^api/basic_data/(?P<address>[\s\S]*)/$", _of_slashes, name="sheet"),
    path("api/link/<str:signed>/", LinkView.as_view(), name="sheet-link"),
    path("api/schema/", SchemaView.as_view(), name="schema"),
    path("api/docs/", DocsView.as_view(), name="api-docs"),
    path("healthz", healthz, name="healthz"),
]
