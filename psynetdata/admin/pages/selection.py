"""Actions on selected rows of a list: a page shows the rows and the action, its button does it for each row."""

from collections.abc import Callable, Sequence

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from psynetdata.psynet.problems import Problem

from . import html
from .confirmation import ConfirmationPlan

MOST = 200
_CONFIRMED = "confirmed"


def is_confirmed(request: HttpRequest) -> bool:
    return request.POST.get(_CONFIRMED) == "yes"


def on_each(
    model_admin,
    request: HttpRequest,
    rows: models.QuerySet,
    plan: ConfirmationPlan,
    do: Callable[[models.Model], None],
    outcome: str,
) -> HttpResponse | None:
    """Show the page; once confirmed (with a valid form, if the plan has one), call `do` for each row.

    Then the list is shown again. A Problem is shown for its row and does not affect the others. `outcome` is the end of
    the message, such as `are paused`.
    """
    selected = list(rows[: MOST + 1])
    if len(selected) > MOST:
        messages.error(request, f"At most {MOST} at a time; nothing was done.")
        return None
    if not is_confirmed(request) or (plan.form is not None and not plan.form.is_valid()):
        return _page(model_admin, request, selected, plan)
    done = 0
    for row in selected:
        try:
            do(row)
        except Problem as problem:
            messages.error(request, f"{str(row).capitalize()}: {problem.sentence}")
        else:
            done += 1
    if done:
        messages.success(request, f"{done} of {len(selected)} {outcome}.")
    return None


def _page(model_admin, request: HttpRequest, rows: Sequence[models.Model], plan: ConfirmationPlan) -> TemplateResponse:
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
