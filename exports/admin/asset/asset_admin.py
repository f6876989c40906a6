"""psynetdata's Asset pages, with the file itself: shown, played, downloaded, if permitted and from our storage."""

from django.contrib import admin
from django.urls import path, reverse

from exports.models import StoredAsset
from psynetdata.admin.mirror.asset import AssetAdmin as DataAssetAdmin
from psynetdata.admin.pages import html
from psynetdata.admin.pages.cards import Card
from psynetdata.models import Asset

from . import asset_file
from .asset_file import NotHere, ViewableAsset, kind_of

SHOWN = 20  # files of a folder that are shown or played on the page

admin.site.unregister(Asset)


@admin.register(Asset)
class AssetAdmin(DataAssetAdmin):
    def get_urls(self):
        view = self.admin_site.admin_view(self.file_view)
        return [path("<int:key>/file/<int:number>/", view, name="psynetdata_asset_file"), *super().get_urls()]

    def file_view(self, request, key, number):
        return asset_file.answer(self, request, key, number)

    def cards(self, request, obj):
        first, *rest = super().cards(request, obj)
        return [first, file_card(request, obj), *rest]


def file_card(request, obj: Asset) -> Card:
    try:
        shown, rows = asset_file.viewable(request, obj)
    except NotHere as reason:
        return Card("File", note=str(reason))
    files = files_of(obj, shown, rows)
    note = f"The fetched file is not the one that its row describes: {rows[0].differs}." if rows[0].differs else ""
    title = "File" if len(rows) == 1 and not rows[0].inside else f"Folder of {len(rows)} files"
    return Card(title, note=note, template="admin/exports/asset.html", context={"files": files})


def files_of(obj: Asset, shown: ViewableAsset, rows: list[StoredAsset], *, texts: bool = True) -> list[dict]:
    """Return what templates/admin/exports/asset.html shows.

    Without `texts` nothing is read from the storage, so a withheld file says so only when somebody asks for it.
    """
    withheld = shown.withheld(rows[:SHOWN]) if texts else {}
    return [
        _file(obj, shown, row, shows=number < SHOWN, texts=texts, why=withheld.get(row.pk, ""))
        for number, row in enumerate(rows)
    ]


def _file(obj: Asset, shown: ViewableAsset, row: StoredAsset, *, shows: bool, texts: bool, why: str) -> dict:
    """`why`: the reason if the file is withheld."""
    url = reverse("admin:psynetdata_asset_file", args=(obj.key, row.number))
    name = shown.name_of(row)
    kind = kind_of(name) if shows and not why else ""
    kind = "" if kind == "text" and not texts else kind
    return {
        "name": name,
        "url": url,
        "kind": kind,
        "withheld": why,
        "text": asset_file.beginning(row) if kind == "text" else "",
        "size": html.size(row.bytes),
        "stored_at": html.utc(row.stored_at),
    }
