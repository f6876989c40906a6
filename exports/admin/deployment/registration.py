"""Add a deployment: look at an address, show what is there, and then register it.

The password is typed once. Between the two steps it is kept encrypted in the person's session, for a quarter of an
hour; it is in no page, no address of a page and no row that could be read without MASTER_KEY.
"""

from cryptography.fernet import InvalidToken
from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget

from exports.operations import deployments
from exports.operations.deployments import InspectedSource
from exports.sources import asset_urls, registry
from exports.sources.base import Located
from exports.sources.heroku import Heroku
from psynetdata import rights, sealing
from psynetdata.admin.pages import html
from psynetdata.admin.pages.cards import Card
from psynetdata.admin.pages.confirmation import ConfirmationPlan, page
from psynetdata.admin.pages.table_names import name_of
from psynetdata.models import Deployment
from psynetdata.psynet import times
from psynetdata.psynet.problems import Problem

from .settings import Password, checked_assets, checked_every

SESSION_KEY = "looked_at"
_SEALED_FOR = 15 * 60  # seconds
_OVER = "That was too long ago, or in another window: look at the database again."
_INTRO = (
    "psynetdata reads the PostgreSQL database of a running experiment. A role that may read all its tables is "
    "enough, and better than one that may write.",
    "The next page shows what is there; nothing is saved before you confirm.",
)


class AddForm(forms.Form):
    url = forms.CharField(
        label="Address", max_length=500, widget=UnfoldAdminTextInputWidget(attrs={"spellcheck": "false"}),
        help_text=" or ".join(kind.example for kind in registry.KINDS),
    )  # fmt: skip
    password = forms.CharField(
        label="Password", required=False, strip=False, max_length=500, widget=Password,
        help_text="Of the database's role; for a Heroku app, the token. It is stored encrypted, and not shown again.",
    )  # fmt: skip
    label = forms.CharField(
        required=False, max_length=300, widget=UnfoldAdminTextInputWidget,
        help_text="Its name on these pages; by default the experiment's own label.",
    )  # fmt: skip
    deployment_id = forms.CharField(
        label="Deployment id", required=False, max_length=300, widget=UnfoldAdminTextInputWidget,
        help_text="PsyNet's; only needed if the database does not say it.",
    )  # fmt: skip
    assets = forms.CharField(
        label="Assets", required=False, max_length=500, widget=UnfoldAdminTextInputWidget,
        help_text="Where its files are: file:///folder, s3://…, sftp://… or https://…; by default they are looked for.",
    )  # fmt: skip
    every = forms.IntegerField(
        label="Seconds between snapshots", initial=deployments.EVERY, widget=UnfoldAdminIntegerFieldWidget,
        help_text="60 or more; 0: only on request.",
    )  # fmt: skip

    fingerprint = forms.CharField(
        label="Fingerprint of the host key", required=False, max_length=100,
        widget=UnfoldAdminTextInputWidget(attrs={"spellcheck": "false"}),
        help_text="For ssh://: SHA256:… from the server's administrator. If empty, the server's own is shown, for "
        "you to compare.",
    )  # fmt: skip
    key = forms.CharField(
        label="Key file", required=False, max_length=400, widget=UnfoldAdminTextInputWidget,
        help_text="For ssh://: a private key on this machine; by default SSH_KEY, or the agent's keys.",
    )  # fmt: skip

    def full_clean(self) -> None:
        """Clean the form; afterwards the shown address holds no password and no text that might be one."""
        super().full_clean()
        if self.is_bound:
            located = self.cleaned_data.get("url")
            self.data = self.data.copy()
            self.data["url"] = located.url if located else ""
            if "PRIVATE KEY" in self.data.get("key", ""):
                self.data["key"] = ""

    def clean_url(self) -> Located:
        url = self.cleaned_data["url"]
        try:
            located = registry.kind_of_url(url).locate(url)
            if not located.url.startswith(Heroku.schemes):  # the name of an app
                asset_urls.check_named_url(located.url)
            return located
        except Problem as problem:
            raise forms.ValidationError(problem.sentence) from None

    def clean_assets(self) -> str:
        return checked_assets(self.cleaned_data["assets"])

    def clean_every(self) -> int:
        return checked_every(self.cleaned_data["every"]) or 0

    def clean(self) -> dict:
        cleaned = super().clean()
        located, password = cleaned.get("url"), cleaned.get("password")
        if located and located.password and password and located.password != password:
            self.add_error("password", "The address holds another password; give only one.")
        return cleaned

    @property
    def given_password(self) -> str | None:
        return self.cleaned_data["password"] or self.cleaned_data["url"].password


@sensitive_variables("form", "password")
def inspect_source(model_admin, request: HttpRequest) -> HttpResponse:
    """GET: the form (`?of=NUMBER`: filled in from a deployment). POST: look, then show the page of what was found."""
    _check(request)
    form = AddForm(request.POST if request.method == "POST" else None, initial=_initial(request))
    if request.method == "POST" and form.is_valid():
        asked = form.cleaned_data
        try:
            looked = _inspect(form, asked)
        except Problem as problem:
            form.add_error(None, problem.sentence)
        else:
            if looked is not None:
                request.session[SESSION_KEY] = _registration_values(form, looked)
                return HttpResponseRedirect(reverse("admin:psynetdata_deployment_found"))
    plan = ConfirmationPlan("Add a deployment", _INTRO, "Preview", form=form)
    return page(model_admin, request, None, plan, html.list_url(Deployment))


@sensitive_variables("password")
def register(model_admin, request: HttpRequest) -> HttpResponse:
    """GET: what was found. POST: look again, and register it."""
    _check(request)
    kept = request.session.get(SESSION_KEY)
    try:
        password = _unsealed(kept["sealed"]) if kept else None
    except InvalidToken:
        kept = None
    form_url = reverse("admin:psynetdata_deployment_add")
    if not kept:
        request.session.pop(SESSION_KEY, None)
        messages.warning(request, _OVER)
        return HttpResponseRedirect(form_url)
    if request.method != "POST":
        return page(model_admin, request, None, _plan(kept), form_url)
    del request.session[SESSION_KEY]
    try:
        added = deployments.add(kept["url"], password=password, user=request.user, **kept["asked"])
    except Problem as problem:
        messages.error(request, problem.sentence)
        return HttpResponseRedirect(form_url)
    messages.success(request, f"{added.deployment} is registered; its first snapshot is taken within a minute.")
    return HttpResponseRedirect(html.change_url(Deployment, added.deployment.pk))


def _inspect(form: AddForm, asked: dict) -> InspectedSource | None:
    """Look; return None if somebody has to confirm the server's host key first, which the form then says."""
    url, fingerprint = asked["url"].url, asked["fingerprint"].strip()
    key = deployments.host_key(url, fingerprint=fingerprint)
    if key is not None and not fingerprint:
        form.add_error(
            "fingerprint",
            f"The server shows {key.fingerprint} ({key.kind}). If its administrator gave you this fingerprint, or "
            "ssh-keygen -l shows it on the server, enter it here.",
        )
        return None
    return deployments.inspect_source(
        url, deployment_id=asked["deployment_id"] or None, password=form.given_password,
        key=deployments.key_reference(file=asked["key"]) if key else "", known_hosts=key.line if key else "",
    )  # fmt: skip


# For the view that calls `inspect_source`: an error page must not show them.
unshown = sensitive_post_parameters("url", "password")


def _check(request: HttpRequest) -> None:
    if not request.user.has_perm(rights.CHANGE_DEPLOYMENT):
        raise PermissionDenied


def _initial(request: HttpRequest) -> dict:
    number = request.GET.get("of", "")
    known = number.isascii() and number.isdecimal() and len(number) < 10
    running = Deployment.objects.exclude(source=Deployment.Source.UPLOAD)
    row = running.filter(number=number).first() if known else None
    if row is None:
        return {}
    kind, _, path = row.source_key.partition(":")
    return {
        "url": row.source_url, "label": row.label, "assets": row.assets_url, "every": row.every or 0,
        "key": path if kind == "file" else "",
    }  # fmt: skip


def _registration_values(form: AddForm, inspected: InspectedSource) -> dict:
    """Return what the second step needs, as JSON."""
    asked = form.cleaned_data
    return {
        "url": inspected.located.url,
        "sealed": _sealed(form.given_password),
        "asked": {
            "deployment_id": inspected.deployment_id,
            "label": asked["label"] or None,
            "assets": asked["assets"] or None,
            "every": asked["every"],
            "key": inspected.access.key,
            "known_hosts": inspected.access.known_hosts,
        },
        "facts": _facts(inspected, asked["label"], asked["assets"]),
        "known": Deployment.objects.filter(deployment_id=inspected.deployment_id).exists(),
    }


def _facts(inspected: InspectedSource, label: str, assets: str) -> list[tuple[str, str]]:
    probe = inspected.probe
    rows = ", ".join(f"{html.number(count)} {name_of(table)}" for table, count in probe.rows.items())
    return [
        ("deployment id", inspected.deployment_id),
        ("label", label or probe.info.label or "none"),
        ("address", inspected.located.url),
        ("password", "given" if inspected.access.password is not None else f"none given; {inspected.kind.own_way}"),
        ("PsyNet", probe.info.psynet_version or "not known"),
        ("rows", rows),
        ("its server's clock", times.offset_words(probe.info.clock_offset)),
        ("server", f"PostgreSQL {probe.version}, {probe.tables} tables, {html.size(probe.bytes)}"),
        ("assets", assets or (probe.assets or "no folder with its files was found")),
    ]


def _plan(kept: dict) -> ConfirmationPlan:
    every = kept["asked"]["every"]
    how = f"A snapshot is taken now and then every {every} seconds." if every else "Snapshots are taken on request."
    sentences = [f"This is the experiment at that address. {how} People who take part in it notice nothing."]
    if kept["known"]:
        sentences.append("This deployment is already known: its source and these settings replace the old ones.")
    return ConfirmationPlan(
        "Register this deployment", sentences, "Register it", cards=[Card("What was found", kept["facts"])]
    )


def _sealed(password: str | None) -> str | None:
    return None if password is None else sealing.seal(password)


def _unsealed(sealed: str | None) -> str | None:
    return None if sealed is None else sealing.unseal(sealed, within=_SEALED_FOR)
