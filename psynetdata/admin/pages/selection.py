"""Actions on rows that were ticked in a list: a page says what will happen to which, its button does it to each."""

from collections.abc import Callable, Sequence

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from psynetdata.psynet.problems import Problem

from . import html
from .confirmation import Plan

MOST = 200
_CONFIRMED = "confirmed"


def is_confirmed(request: HttpRequest) -> bool:
    return request.POST.get(_CONFIRMED) == "yes"


def on_each(
    model_admin, request: HttpRequest, rows: models.QuerySet, plan: Plan, do: Callable[[models.Model], None], said: str
) -> HttpResponse | None:
    """The page first; confirmed (with a valid form, where the plan has one), `do` to each, and back to the list.

    One that raises a Problem is told and keeps the others from nothing. `said`: what became of them, `are paused`.
    """
    found = list(rows[: MOST + 1])
    if len(found) > MOST:
        messages.error(request, f"At most {MOST} at a time; nothing was done.")
        return None
    if not is_confirmed(request) or (plan.form is not None and not plan.form.is_valid()):
        return _page(model_admin, request, found, plan)
    done = 0
    for row in found:
        try:
            do(row)
        except Problem as problem:
            messages.error(request, f"{str(row).capitalize()}: {problem.sentence}")
        else:
            done += 1
    if done:
        messages.success(request, f"{done} of {len(found)} {said}.")
    return None


def _page(model_admin, request: HttpRequest, rows: Sequence[models.Model], plan: Plan) -> TemplateResponse:
    context = {
        **model_admin.admin_site.each_context(request),
        "title": plan.heading,
        "opts": model_admin.opts,
        "plan": plan,
        "rows": [html.to_object(row) for row in rows],
        "keys": [row.pk for row in rows],
        "checkbox": ACTION_CHECKBOX_NAME,
        "action": request.POST["action"],
        "back_url": request.get_full_path(),
        "media": model_admin.media,
    }
    return TemplateResponse(request, "admin/psynetdata/selected.html", context)
