"""Every list of the admin: as many queries for a hundred rows as for one, and fewer than thirty, whoever asks."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.utils import timezone

from exports.models import Export, ExportArchive, Incident, Note, Snapshot, Watch, Withdrawal
from psynetdata.models import ApiToken, Audit, Deployment, Job, MirrorModel, SavedSheet, SheetLink
from tests.admin.conftest import page_of
from tests.admin.mirror.test_lists import queries

pytestmark = pytest.mark.django_db(databases="__all__")
MOST = 30


def user() -> User:
    made = User.objects.create_user(uuid4().hex)
    made.groups.add(Group.objects.create(name=uuid4().hex))
    return made


def deployment() -> Deployment:
    made = Deployment.objects.create(deployment_id=uuid4().hex, source="local", every=60)
    incident(made)
    Watch.objects.create(deployment=made, since=timezone.now())
    Job.objects.create(kind="snapshot", deployment=made, state="done", finished_at=timezone.now())
    for state in ("good", "suspect"):
        snapshot(made, state=state)
    return made


def snapshot(of: Deployment | None = None, **fields) -> Snapshot:
    tables = {"info": {"state": uuid4().hex, "rows": 3}}
    of = of or Deployment.objects.create(deployment_id=uuid4().hex)
    return Snapshot.objects.create(deployment=of, taken_at=timezone.now(), tables=tables, **fields)


def export() -> Export:
    of = snapshot()
    job = Job.objects.create(kind="export", deployment=of.deployment, state="done", owner=user())
    made = Export.objects.create(deployment=of.deployment, snapshot=of, job=job, owner=job.owner)
    for mode in ("regular", "anonymous"):
        ExportArchive.objects.create(export=made, mode=mode, file=uuid4().hex, bytes=7, sha256="0" * 64)
    return made


def incident(of: Deployment | None = None) -> Incident:
    of = of or Deployment.objects.create(deployment_id=uuid4().hex)
    return Incident.objects.create(deployment=of, kind="fell", sentence="There are fewer.", began_at=timezone.now())


def withdrawal() -> Withdrawal:
    of = some_deployment()
    Job.objects.create(kind="withdraw", deployment=of, state="done")
    return Withdrawal.objects.create(deployment=of, participant=7, by=user())


def some_deployment() -> Deployment:
    return Deployment.objects.create(deployment_id=uuid4().hex)


MAKERS = {
    User: user,
    Group: lambda: Group.objects.create(name=uuid4().hex),
    Deployment: deployment,
    Snapshot: snapshot,
    Export: export,
    Incident: incident,
    Withdrawal: withdrawal,
    Job: lambda: Job.objects.create(kind="mirror", deployment=some_deployment(), owner=user()),
    Audit: lambda: Audit.record("view", user=user(), deployment=some_deployment(), target="a list"),
    ApiToken: lambda: ApiToken.issue(user(), deployments=[some_deployment()]),
    SheetLink: lambda: SheetLink.issue(user(), deployment=some_deployment(), sheet="trial", days=3),
    SavedSheet: lambda: SavedSheet.objects.create(
        deployment=some_deployment(), name=f"a{uuid4().hex[:8]}", base="trial", columns=[["id", "id"]], made_by=user()
    ),
}
LISTS = sorted(admin.site._registry, key=lambda model: model._meta.label)


def address(model) -> str:
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/"


@pytest.mark.parametrize("model", LISTS, ids=lambda model: model.__name__)
def test_as_many_queries_for_a_hundred_rows_as_for_one(person, fill, model):
    mirrored = issubclass(model, MirrorModel)

    def make(start: int, count: int) -> None:
        if mirrored:
            fill(count, start=start)
        for _ in range(0 if mirrored else count):
            MAKERS[model]()

    client = person("superuser")
    make(1, 1)
    client.get(address(model))
    one = queries(client, address(model))
    make(2, 99)
    page = client.get(address(model) + "?all=")
    assert len(page.context["cl"].result_list) >= 100
    assert queries(client, address(model) + "?all=") == one
    assert one < MOST


@pytest.mark.parametrize("model", LISTS, ids=lambda model: model.__name__)
@pytest.mark.parametrize("group", ["viewer", "data officer", "admin"])
def test_fewer_than_thirty_for_who_has_rights_by_groups_and_a_hidden_deployment(person, fill, model, group):
    fill(1)
    Deployment.objects.create(deployment_id="hidden", restricted=True)
    client = person(group)
    if client.get(address(model)).status_code != 403:
        assert queries(client, address(model)) < MOST


@pytest.mark.parametrize("group", ["superuser", "data officer", "admin"])
def test_a_deployments_page_with_all_that_it_tells(person, fill, watched, take, alarm, group):
    """One that closes another, retired, drilled, with a snapshot at work, alarms, exports, notes and a schedule."""
    fill(1)
    before = Deployment.objects.create(deployment_id="before", state="finished")
    Deployment.objects.filter(pk=watched.pk).update(continues=before, state="finished")
    Audit.record("new launch", deployment=before, closes=watched.pk, continues=True)
    client = person(group)

    def more(count: int) -> None:
        for number in range(count):
            for kind, state in (("snapshot", "done"), ("drill", "done"), ("retire", "failed"), ("snapshot", "running")):
                Job.objects.create(kind=kind, deployment=watched, state=state, finished_at=timezone.now())
            row = export()
            Export.objects.filter(pk=row.pk).update(deployment=watched)
            watched.schedules.create(
                options={}, every_days=7, due_at=timezone.now() + timedelta(days=1), owner=row.owner, last=row
            )
            take(number, minutes=number + 1)
            Incident.objects.filter(deployment=watched).update(ended_at=timezone.now())  # one of a kind is open
            alarm()
            Note.objects.create(deployment=watched, author=row.owner, text="restarted")

    more(2)
    client.get(page_of(watched))
    two = queries(client, page_of(watched))
    more(30)
    assert queries(client, page_of(watched)) == two
    assert two < MOST
