"""A confirmation page, which describes an action; only its button, a POST, does it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django import forms
from django.contrib import messages
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from psynetdata.psynet.problems import Problem

from . import html
from .cards import Card


@dataclass
class ConfirmationPlan:
    """The content of the page: sentences and cards, then a form and a button. Without `button` there is no action."""

    heading: str
    sentences: Sequence[str]
    button: str = ""
    stops: bool = False  # a red button: something ends
    cards: Sequence[Card] = ()
    form: forms.Form | None = None


def row_or_404(model_admin, request: HttpRequest, object_id) -> models.Model:
    """Return the row in the URL, or raise 404."""
    row = model_admin.get_object(request, str(object_id))
    if row is None:
        raise Http404
    return row


def confirmed(
    model_admin,
    request: HttpRequest,
    row: models.Model,
    plan: ConfirmationPlan,
    do: Callable[[], str | HttpResponse],
    back: str = "",
) -> HttpResponse:
    """GET: show the page. POST: call `do` and return its response, or go to `back` (default: the row's page).

    A sentence that `do` returns, or a Problem that it raises, is shown on that page, which also shows the current
    state; so a second click on the button does no harm.
    """
    back = back or html.change_url(type(row), row.pk)
    if request.method != "POST":
        return page(model_admin, request, row, plan, back)
    try:
        done = do()
    except Problem as problem:
        messages.error(request, problem.sentence)
        return HttpResponseRedirect(back)
    if isinstance(done, str):
        messages.success(request, done)
        return HttpResponseRedirect(back)
    return done


def page(
    model_admin, request: HttpRequest, row: models.Model | None, plan: ConfirmationPlan, back: str
) -> TemplateResponse:
    context = {
        **model_admin.admin_site.each_context(request),
        "title": f"{plan.heading}: {row}" if row else plan.heading,
        "opts": model_admin.opts,
        "original": row,
        "plan": plan,
        "back_url": back,
        "media": model_admin.media,
    }
    return TemplateResponse(request, "admin/psynetdata/confirm.html", context)
