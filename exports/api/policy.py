"""The policy of anonymized exports of a deployment: undecided values, and decisions."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from exports.clearance.shown_names import ShownNames
from exports.mirroring.rebuild import rebuild
from exports.operations import policy
from psynetdata import rights
from psynetdata.anonymize.face import policy_decisions
from psynetdata.anonymize.face.deployment_anonymizer import withholds
from psynetdata.anonymize.policy.rules import ACTIONS, FIELDS, Rule
from psynetdata.api.access import deployment_of, token_of
from psynetdata.api.errors import Forbidden
from psynetdata.api.request_body import JSONBody
from psynetdata.models import Deployment
from psynetdata.psynet.problems import UsageError


class PlaceSerializer(serializers.Serializer):
    table = serializers.CharField()
    column = serializers.CharField()
    selector = serializers.CharField(required=False, allow_blank=True, help_text="A question, `<Class>/<key>`, a key.")


class DecisionSerializer(PlaceSerializer):
    shared = serializers.CharField(help_text=f"For a named colleague: {', '.join(ACTIONS)}.")
    open = serializers.CharField(help_text="For a repository: the same words.")
    kind = serializers.CharField(help_text="What the values are: choice, number, free_text, …")
    reason = serializers.CharField(required=False)


class UndecidedSerializer(DecisionSerializer):
    """An undecided place; `shared`, `open` and `kind` are a proposal."""

    rows = serializers.IntegerField()
    shape = serializers.CharField(help_text="What the values look like, never one of them.")
    masked = serializers.BooleanField(help_text="The selector holds an identifier and is shown without it.")
    reason = None


class ListingSerializer(serializers.Serializer):
    snapshot = serializers.IntegerField(source="snapshot.pk", default=None, allow_null=True)
    newest_snapshot = serializers.IntegerField(source="newest.pk", default=None, allow_null=True)
    job = serializers.CharField(help_text="State of the job that makes the list; empty: none.")
    withheld = serializers.BooleanField(help_text="Whether they are withheld at level shared too; else scrubbed.")
    undecided = UndecidedSerializer(source="found", many=True)


class WithholdSerializer(serializers.Serializer):
    withheld = serializers.BooleanField(help_text="Undecided: withheld at level shared too, not scrubbed.")


class PolicyView(GenericViewSet):
    serializer_class = ListingSerializer
    parser_classes = (JSONBody,)
    pagination_class = None

    @extend_schema(summary="What no rule covers, as last listed")
    def undecided(self, request: Request, pk: str) -> Response:
        """For the snapshot that was listed last; POST lists the newest one."""
        return Response(self._listing(self._seen(request, pk)))

    @extend_schema(summary="List what no rule covers in the newest snapshot", request=None)
    def start_listing(self, request: Request, pk: str) -> Response:
        deployment = self._seen(request, pk)
        policy.ask(deployment, owner=request.user)
        return Response(self._listing(deployment), status=202)

    @extend_schema(summary="Withhold what is undecided, or export it scrubbed", request=WithholdSerializer)
    def withhold(self, request: Request, pk: str) -> Response:
        """At level shared; at level open it is never exported. Jobs then rebuild the anonymous face."""
        deployment = self._decided(request, pk)
        data = request.data
        if not isinstance(data, dict) or set(data) != {"withheld"} or not isinstance(data["withheld"], bool):
            raise UsageError('Say {"withheld": true} or {"withheld": false}.')
        if policy_decisions.withhold(deployment, data["withheld"], user=request.user):
            rebuild(deployment, owner=request.user)
        return Response(self._listing(deployment), status=202)

    @extend_schema(summary="Decisions", responses=DecisionSerializer(many=True))
    def decisions(self, request: Request, pk: str) -> Response:
        deployment = self._seen(request, pk)
        decisions = self._names(deployment).decisions(deployment.first.decisions.all())
        return Response(DecisionSerializer(decisions, many=True).data)

    @extend_schema(
        summary="Decide", request=DecisionSerializer(many=True), responses={202: DecisionSerializer(many=True)}
    )
    def decide(self, request: Request, pk: str) -> Response:
        """All or none. Jobs then rebuild the anonymous face; exports follow the decisions from now on."""
        deployment = self._decided(request, pk)
        data = request.data if isinstance(request.data, list) else [request.data]
        policy_decisions.decide(deployment, [_rule(each) for each in data], user=request.user)
        rebuild(deployment, owner=request.user)
        return Response(DecisionSerializer(deployment.first.decisions.all(), many=True).data, status=202)

    @extend_schema(summary="Take a decision back", request=PlaceSerializer, responses={204: None})
    def forget(self, request: Request, pk: str) -> Response:
        deployment = self._decided(request, pk)
        policy_decisions.forget(deployment, *_place(request.data), user=request.user)
        rebuild(deployment, owner=request.user)
        return Response(status=204)

    def _names(self, deployment: Deployment) -> ShownNames:
        return ShownNames(rights.face_for(self.request.user, token_of(self.request)), deployment)

    def _seen(self, request: Request, pk: str) -> Deployment:
        if not rights.can_see_undecided(request.user, token_of(request)):
            raise Forbidden("The policy is shown to people who may export or decide; ask for the right.")
        return deployment_of(request, pk)

    def _decided(self, request: Request, pk: str) -> Deployment:
        if not rights.can_decide(request.user, token_of(request)):
            raise Forbidden("You may not decide what leaves; that is for data officers, with an identified token.")
        return deployment_of(request, pk)

    def _listing(self, deployment: Deployment) -> dict:
        listing = policy.latest(deployment)
        at_work = policy.running_job(deployment)
        content = {"snapshot": listing.snapshot, "newest": listing.newest}
        content["found"] = self._names(deployment).listed(listing.found)
        content["withheld"] = withholds(deployment)
        return ListingSerializer(content | {"job": at_work.state if at_work else ""}).data


def _place(data: object) -> tuple[str, str, str]:
    if not isinstance(data, dict) or not all(isinstance(data.get(name, ""), str) for name in FIELDS):
        raise UsageError(f"A decision is an object with the texts {', '.join(FIELDS)}.")
    if strange := sorted(str(name) for name in data.keys() - set(FIELDS)):
        raise UsageError(f"A decision has no {', '.join(strange)}; its fields are {', '.join(FIELDS)}.")
    return data.get("table", ""), data.get("column", ""), data.get("selector", "")


def _rule(data: object) -> Rule:
    place = _place(data)
    return Rule(*place, *(data.get(name, "") for name in FIELDS[3:6]), data.get("reason") or "decided by staff")
