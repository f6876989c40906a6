"""A sheet's page: its first rows, code to load it in R, Python or a file, and links that expire."""

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from psynetdata.admin.pages import html
from psynetdata.admin.pages.cards import Card
from psynetdata.admin.pages.revocation import RevocableAdmin
from psynetdata.admin.pages.shown_face import face_context, record_read, shown_face
from psynetdata.admin.pages.visibility import Visible
from psynetdata.faces import ANONYMOUS, reading
from psynetdata.models import Audit, Deployment, SheetLink
from psynetdata.psynet.problems import Problem
from psynetdata.sheets import Catalogue, Sheet, UnknownSheet

from . import snippets

FIRST_ROWS = 10
MAY_LINK = "psynetdata.add_sheetlink"
_MAX_DAYS = 365


class LinkForm(forms.Form):
    days = forms.IntegerField(
        min_value=1,
        max_value=_MAX_DAYS,
        initial=7,
        label="days",
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="Anyone with the link sees this sheet, pseudonymized, until it expires or you revoke it.",
    )


def page_url(deployment: Deployment, name: str) -> str:
    return reverse("admin:psynetdata_deployment_sheet", args=(deployment.pk, name))


def sheets_card(deployment: Deployment, face: str) -> Card:
    """Return the card for a deployment's page: every sheet that has rows, with a link to its page."""
    with reading(face):
        catalogue = Catalogue(deployment, face)
        totals = {name: rows for name, rows in catalogue.totals().items() if rows} if catalogue.shapes else {}
    links = [html.link(page_url(deployment, name), f"{name} ({html.number(totals[name])})") for name in totals]
    links += [html.link(page_url(deployment, name), f"{name} (saved sheet)") for name in catalogue.saved]
    note = "" if links else "Nothing is mirrored yet; a snapshot fills the mirror."
    return Card("Sheets", facts=[("for analysis", html.joined(links))] if links else (), note=note)


def sheet_page(model_admin, request: HttpRequest, number: str, name: str) -> HttpResponse:
    """GET shows the sheet; POST creates a link to it, and shows the link in the response itself."""
    deployment = model_admin.get_object(request, number)
    if deployment is None:
        raise Http404
    if not model_admin.has_view_permission(request, deployment):
        raise PermissionDenied
    face = shown_face(request)
    form, link = LinkForm(request.POST or None), None
    if request.method == "POST":
        if not request.user.has_perm(MAY_LINK):
            raise PermissionDenied
        if form.is_valid():
            link = _make_link(request, deployment, name, form.cleaned_data["days"])
    with reading(face):
        try:
            sheet = Catalogue(deployment, face).sheet(name)
            cards = [_about(deployment, sheet), first_rows(sheet)]
        except UnknownSheet:
            raise Http404 from None
        except Problem as problem:
            cards = [Card("It cannot be shown", note=problem.sentence)]
    record_read(request, f"sheet {name}", deployment_number=deployment.pk, rows=FIRST_ROWS)
    at = request.build_absolute_uri(reverse("sheet", args=(name,)))
    context = {
        **model_admin.admin_site.each_context(request),
        **face_context(request),
        "title": f"Sheet {name}",
        "opts": model_admin.opts,
        "original": deployment,
        "cards": cards,
        "snippets": snippets.with_token(at, name, deployment.deployment_id),
        "form": form if request.user.has_perm(MAY_LINK) else None,
        "link": link,
        "link_snippets": snippets.with_link(link, name) if link else [],
        "tokens_url": html.list_url(SheetLink),
        "media": model_admin.media,
    }
    return TemplateResponse(request, "admin/psynetdata/sheet.html", context)


def first_rows(sheet: Sheet) -> Card:
    rows, _ = sheet.page(None, FIRST_ROWS, csv=True)
    cells = [[html.short(cell) for cell in row] for row in rows]
    return Card("First rows", headers=sheet.header, rows=cells)


def _about(deployment: Deployment, sheet: Sheet) -> Card:
    facts = [
        ("deployment", html.to_object(deployment)),
        ("rows", html.number(sheet.total())),
        ("columns", html.number(len(sheet.header))),
    ]
    if sheet.withheld:
        facts.append(("withheld on this face", ", ".join(sheet.withheld)))
    return Card("Summary", facts=facts)


def _make_link(request: HttpRequest, deployment: Deployment, name: str, days: int) -> str:
    with reading(ANONYMOUS):
        try:
            name = Catalogue(deployment, ANONYMOUS).sheet(name).name
        except UnknownSheet:  # an own table can have another name there
            raise Http404 from None
    link = SheetLink.issue(request.user, deployment=deployment, sheet=name, days=days)
    target = f"link {link.pk} to sheet {name}"
    Audit.record("issue", user=request.user, deployment=deployment, target=target, days=days)
    return request.build_absolute_uri(reverse("sheet-link", args=(link.signed,)))


@admin.register(SheetLink)
class SheetLinkAdmin(Visible, RevocableAdmin):
    """Links to sheets. They are created on a sheet's page."""

    noun = "link"
    list_filter = ("revoked",)
    list_select_related = ("user", "deployment")
    list_display = ("sheet", "deployment", "user", "state_badge", "expires", "last_used")
    search_fields = ("sheet", "user__username")

    def has_add_permission(self, request):
        return False

    def bound(self, row):
        return row.deployment

    def cards(self, request, obj):
        facts = [
            ("sheet", html.link(page_url(obj.deployment, obj.sheet), obj.sheet)),
            ("deployment", html.to_object(obj.deployment)),
            ("made by", obj.user),
            ("state", self.state_badge(obj)),
            ("made", html.utc(obj.created_at)),
            ("expires", self.expires(obj)),
            ("last used", self.last_used(obj)),
        ]
        cards = [Card("Summary", facts=facts)]
        return cards if obj.revoked else [*cards, self.revoke_card(obj)]
