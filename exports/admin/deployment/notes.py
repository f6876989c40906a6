"""Notes of staff about a deployment: everyone who may see it reads and writes them."""

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import reverse

from exports.models import Note
from exports.models.note import LONGEST
from psynetdata import rights
from psynetdata.admin.pages import html
from psynetdata.admin.pages.cards import Card
from psynetdata.admin.pages.confirmation import ConfirmationPlan, confirmed
from psynetdata.models import Audit, Deployment

SHOWN = 50


class NoteForm(forms.Form):
    text = forms.CharField(
        label="A note", max_length=LONGEST, widget=forms.Textarea(attrs={"rows": 3, "class": "psd-text"})
    )


def notes_card(request: HttpRequest, deployment: Deployment) -> Card:
    notes = [
        {
            "text": note.text,
            "author": note.author or "a deleted account",
            "at": html.utc(note.created_at),
            "remove": _address("remove_note", deployment, note.pk)
            if rights.can_change_own(request.user, note.author_id)
            else "",
        }
        for note in deployment.notes.select_related("author")[:SHOWN]
    ]
    context = {"notes": notes, "add": _address("add_note", deployment), "form": NoteForm()}
    return Card("Notes", template="admin/exports/notes.html", context=context)


def add(model_admin, request: HttpRequest, number: int) -> HttpResponse:
    """POST: save `text` as a note."""
    deployment = _seen(model_admin, request, number)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    form = NoteForm(request.POST)
    if form.is_valid():
        note = Note.objects.create(deployment=deployment, author=request.user, text=form.cleaned_data["text"])
        Audit.record("add", user=request.user, deployment=deployment, target=note)
        messages.success(request, "The note is saved.")
    else:
        messages.error(request, f"A note needs some text, at most {LONGEST:,} characters; it was not saved.")
    return HttpResponseRedirect(html.change_url(Deployment, deployment.pk))


def remove(model_admin, request: HttpRequest, number: int, note: int) -> HttpResponse:
    """Remove a note; for its author, and for users who may change deployments."""
    deployment = _seen(model_admin, request, number)
    row = deployment.notes.filter(pk=note).first()
    if row is None:
        raise Http404
    if not rights.can_change_own(request.user, row.author_id):
        raise PermissionDenied
    plan = ConfirmationPlan(
        "Remove a note",
        ["It is removed for everybody, and no copy is kept.", f"“{row.text}”"],
        "Remove it",
        stops=True,
    )

    def do() -> str:
        Audit.record("remove", user=request.user, deployment=deployment, target=row)
        row.delete()
        return "The note is removed."

    return confirmed(model_admin, request, deployment, plan, do)


def _seen(model_admin, request: HttpRequest, number: int) -> Deployment:
    """Return the deployment of an address, for a user who may view it."""
    deployment = model_admin.get_object(request, str(number))
    if deployment is None:
        raise Http404
    if not model_admin.has_view_permission(request, deployment):
        raise PermissionDenied
    return deployment


def _address(name: str, deployment: Deployment, *more: int) -> str:
    return reverse(f"admin:psynetdata_deployment_{name}", args=(deployment.pk, *more))
