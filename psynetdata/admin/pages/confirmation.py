"""A page that says what will happen; only its button, a POST, does it."""

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
class Plan:
    """What the page says: sentences and cards, then a form and a button. Without `button` there is nothing to do."""

    heading: str
    sentences: Sequence[str]
    button: str = ""
    stops: bool = False  # a red button: something ends
    cards: Sequence[Card] = ()
    form: forms.Form | None = None


def found(model_admin, request: HttpRequest, object_id) -> models.Model:
    """The row that an address names, or 404."""
    row = model_admin.get_object(request, str(object_id))
    if row is None:
        raise Http404
    return row


def confirmed(
    model_admin,
    request: HttpRequest,
    row: models.Model,
    plan: Plan,
    do: Callable[[], str | HttpResponse],
    back: str = "",
) -> HttpResponse:
    """GET: the page. POST: `do`, then where it leads, or `back` (else the row's page) with the sentence it returns.

    A Problem is said there too, where one sees how things are; so a second click on the button does no harm.
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


def page(model_admin, request: HttpRequest, row: models.Model | None, plan: Plan, back: str) -> TemplateResponse:
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
