"""A page that says what will happen; only its button, a POST, does it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django import forms
from django.contrib import messages
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from psynetdata.admin import html
from psynetdata.admin.pages import Card
from psynetdata.psynet.problems import Problem


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
    model_admin, request: HttpRequest, row: models.Model, plan: Plan, do: Callable[[], str | HttpResponse]
) -> HttpResponse:
    """GET: the page. POST: `do`, then where it leads, or the row's page with the sentence that it returns.

    A Problem is said on the row's page, which shows how things are; so a second click on the button does no harm.
    """
    back = html.change_url(type(row), row.pk)
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
    return TemplateResponse(request, "admin/exports/confirm.html", context)
