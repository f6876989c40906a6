"""The policy of anonymized exports: what no rule covers, decided selector by selector; and what was decided."""

import json

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.decorators import action

from exports.clearance.shown_names import ShownNames
from exports.mirroring.rebuild import rebuild
from exports.operations import policy
from psynetdata import rights
from psynetdata.admin.job import progress_card
from psynetdata.admin.pages import html
from psynetdata.admin.pages.confirmation import row_or_404
from psynetdata.anonymize.face import policy_decisions
from psynetdata.anonymize.face.deployment_anonymizer import withholds
from psynetdata.anonymize.identifiers.identifiers import KINDS
from psynetdata.anonymize.policy.key_names import SENSITIVE, SPECIAL
from psynetdata.anonymize.policy.rules import Rule
from psynetdata.models import Deployment
from psynetdata.psynet.problems import BadInput, Problem

# What a page offers; `public` is for files and is only set by the policy itself.
ACTIONS = {
    "keep": "as it is",
    "scrub": "scrubbed",
    "numbers": "numbers only",
    "pseudonym": "pseudonym",
    "drop": "withheld",
}
_PSEUDONYM_KINDS = tuple(kind for kind, fixed in KINDS.items() if fixed is None)
WHAT = ("choice", "number", "content", "free_text", SPECIAL, SENSITIVE, *_PSEUDONYM_KINDS)


class PolicyActions:
    """For DeploymentAdmin."""

    def has_see_undecided_permission(self, request, object_id=None) -> bool:
        return self.has_view_permission(request) and rights.can_see_undecided(request.user)

    @action(description="Edit policy", url_path="policy", permissions=["see_undecided"], icon="rule")
    def edit_policy(self, request, object_id):
        return edit_policy(self, request, row_or_404(self, request, object_id))


def edit_policy(model_admin, request: HttpRequest, row: Deployment) -> HttpResponse:
    """GET: the page. POST: `look` requests a new list, `decide` and `forget` act on the ticked rows, `withhold` and
    `scrub` set what happens with everything undecided."""
    if not model_admin.has_see_undecided_permission(request):
        raise PermissionDenied
    if request.method == "POST":
        try:
            messages.success(request, _do(request, row))
        except Problem as problem:
            messages.error(request, problem.sentence)
        name = f"admin:{row._meta.app_label}_{row._meta.model_name}_edit_policy"
        return HttpResponseRedirect(reverse(name, args=(row.pk,)))
    return TemplateResponse(request, "admin/exports/policy.html", _context(model_admin, request, row))


def _do(request: HttpRequest, row: Deployment) -> str:
    verb = request.POST.get("verb")
    if verb == "look":
        job = policy.ask(row, owner=request.user)
        return f"{str(job).capitalize()} looks at the newest snapshot; this page shows what it finds."
    if not rights.can_decide(request.user):
        raise PermissionDenied
    outcome = _withhold(request, row, verb) if verb in ("withhold", "scrub") else _decide(request, row, verb)
    rebuild(row, owner=request.user)
    return f"{outcome} The anonymous face is being rebuilt; exports follow this from now on."


def _withhold(request: HttpRequest, row: Deployment, verb: str) -> str:
    if not policy_decisions.withhold(row, verb == "withhold", user=request.user):
        raise BadInput("This was already set; nothing was changed.")
    return "What is undecided is withheld." if verb == "withhold" else "What is undecided is exported scrubbed."


def _decide(request: HttpRequest, row: Deployment, verb: str | None) -> str:
    ticked = request.POST.getlist("place")
    if not ticked:
        raise BadInput("Nothing was ticked, so nothing was changed.")
    if verb == "decide":
        count = policy_decisions.decide(row, [_rule(request, text) for text in ticked], user=request.user)
        return f"Decided about {count}."
    for text in ticked:
        policy_decisions.forget(row, *_place(text), user=request.user)
    return f"{len(ticked)} taken back."


def _place(text: str) -> list[str]:
    try:
        place = json.loads(text)
    except ValueError:
        place = None
    if not isinstance(place, list) or len(place) != 3 or not all(isinstance(each, str) for each in place):
        raise BadInput("That form was not made by this page; open the page again.")
    return place


def _rule(request: HttpRequest, text: str) -> Rule:
    choices = [request.POST.get(f"{name} {text}", "") for name in ("shared", "open", "kind")]
    return Rule(*_place(text), *choices, f"decided by {request.user.get_username()}")


def _context(model_admin, request: HttpRequest, row: Deployment) -> dict:
    listing, at_work = policy.latest(row), policy.running_job(row)
    names = ShownNames(rights.face_for(request.user), row)
    decisions = names.decisions(row.first.decisions.select_related("decided_by"))
    return {
        **model_admin.admin_site.each_context(request),
        "title": f"Policy: {row}",
        "opts": model_admin.opts,
        "original": row,
        "listing": listing,
        "withholds": withholds(row),
        "undecided": [each | {"place": _text(each)} for each in names.listed(listing.found)],
        "decided": [(_text(vars(one)), one, html.utc(one.decided_at)) for one in decisions],
        "card": progress_card(request, at_work, str(at_work).capitalize()) if at_work else None,
        "may_decide": rights.can_decide(request.user),
        "actions": ACTIONS,
        "kinds": WHAT,
        "back_url": html.change_url(Deployment, row.pk),
        "media": model_admin.media,
    }


def _text(place: dict) -> str:
    return json.dumps([place[name] for name in ("table", "column", "selector")])
