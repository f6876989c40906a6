"""People of each group, and a small mirror filled by hand: fast, and each test knows every row."""

from datetime import UTC, datetime, timedelta
from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import connections
from django.utils import timezone

from exports.models import Incident, Snapshot
from exports.store import installation
from psynetdata.models import (
    Asset,
    Deployment,
    MirroredTable,
    Network,
    Node,
    Participant,
    Record,
    Response,
    Trial,
)

WORKER = {"identified": "5f0c5a3b9d1e4a0001a2b3c4", "anonymous": "p_pseudonym"}
URL = "postgres://reader@db.lab.org:5432/exp"
MOMENT = datetime(2026, 11, 22, 8, 12, 49, 210214, tzinfo=UTC)


def make_groups() -> None:
    """What the migrations do."""
    editor = SimpleNamespace(connection=connections["default"])
    import_module("psynetdata.migrations.0002_groups").make_groups(apps, editor)
    import_module("psynetdata.migrations.0009_sheet_groups").add_permissions(apps, editor)
    import_module("exports.migrations.0002_groups").add_permissions(apps, editor)
    import_module("exports.migrations.0004_groups").add_permissions(apps, editor)
    import_module("psynetdata.migrations.0006_officers").add_permissions(apps, editor)
    import_module("exports.migrations.0014_officers").add_permissions(apps, editor)


@pytest.fixture
def person(db, client_class):
    """person("viewer") → a signed-in test client of a new member of that group; "superuser" is one too."""

    def sign_in(group: str):
        name = f"{group.replace(' ', '_')}-{User.objects.count()}"
        if group == "superuser":
            user = User.objects.create_superuser(name)
        else:
            user = User.objects.create_user(name, is_staff=True)
            if group != "nobody":
                user.groups.add(Group.objects.get(name=group))
        client = client_class()
        client.force_login(user)
        client.user = user
        return client

    return sign_in


@pytest.fixture
def client_class():
    from django.test import Client

    return Client


@pytest.fixture
def deployment(db):
    return Deployment.objects.create(deployment_id="faces__launch=1", label="Faces", clock_offset=60)


@pytest.fixture
def snapshot(deployment):
    tables = {"participant": {"state": "0" * 64, "rows": 2}, "info": {"state": "1" * 64, "rows": 3}}
    return Snapshot.objects.create(deployment=deployment, taken_at=timezone.now(), tables=tables, rows=5, bytes=900)


@pytest.fixture
def fill(deployment):
    """fill(n, start=1) → n rows of each kind on both faces, ids from `start`, all along one chain of keys."""

    def make(n: int = 1, *, start: int = 1, **trial):
        for face in settings.FACES:
            for row_id in range(start, start + n):
                _one_of_each(face, deployment, row_id, trial)

    return make


def _one_of_each(face: str, deployment: Deployment, row_id: int, trial: dict) -> None:
    def make(model, **columns):
        own = {"key": model.make_key(deployment.number, row_id), "deployment_number": deployment.number, "id": row_id}
        model.objects.using(face).create(**own, class_name=model.__name__, creation_time=MOMENT, **columns)

    make(Participant, worker_id=WORKER[face], complete=True, failed=False, progress=1.0, vars='{"a": [1, {"b": null}]}')
    make(Network, trial_maker_id="animals", participant_id=row_id)
    make(Node, network_id=row_id, trial_maker_id="animals", participant_id=row_id)
    make(Response, participant_id=row_id, question="q", answer='"Very much"')
    told = {"answer": '"Very much"', "definition": '{"animal": "dogs"}', "rest": '{"origin_id": "6", "score_": "NaN"}'}
    keys = {"participant_id": row_id, "node_id": row_id, "network_id": row_id, "response_id": row_id}
    make(Trial, trial_maker_id="animals", finalized=True, failed=False, **keys, **(told | trial))
    make(Asset, participant_id=row_id, trial_id=row_id, local_key="recording", size_mb=0.5, personal=True)
    Record.objects.using(face).create(
        deployment_number=deployment.number, class_name="Coin", table="coin", id=row_id, identity=str(row_id),
        participant_id=row_id, rest='{"value": "7"}',
    )  # fmt: skip


@pytest.fixture
def withheld(deployment):
    """Tell the anonymous face that a column of the trials is withheld."""

    def tell(*names: str):
        columns = [[name, "text", False] for name in ("id", "answer", "definition", "origin_id", *names)]
        MirroredTable.objects.using("anonymous").create(
            deployment_number=deployment.number, table="info", state="s", transform="t", columns=columns,
            withheld=list(names), rows=1,
        )  # fmt: skip

    return tell


@pytest.fixture
def watched(deployment):
    deployment.source, deployment.source_url, deployment.every = "local", URL, 60
    deployment.due_at = timezone.now() + timedelta(seconds=40)
    deployment.save()
    return deployment


@pytest.fixture
def take(watched):
    """take(info=3, minutes=5) → a snapshot of so many trials, taken so many minutes ago."""
    installation.check()  # the storage has an id from before there were snapshots

    def make(info: int = 3, *, minutes: int = 0, of=watched, **fields):
        tables = {"participant": _entry("p", 2), "info": _entry(f"i{info}", info), "request": _entry("r", 9)}
        at = timezone.now() - timedelta(minutes=minutes)
        made = Snapshot.objects.create(
            deployment=of, taken_at=at, tables=tables, rows=11 + info, bytes=900, new_bytes=120, seconds=0.3, **fields
        )
        Snapshot.objects.filter(pk=made.pk).update(stored_at=at)
        return made

    return make


def _entry(content: str, rows: int) -> dict:
    return {"state": f"{content:0>64}", "rows": rows, "content": content}


@pytest.fixture
def alarm(watched):
    def make(kind="fell", sentence="There are fewer rows than in snapshot 1.", of=watched):
        return Incident.objects.create(deployment=of, kind=kind, sentence=sentence, began_at=timezone.now())

    return make


def page_of(row, action: str = "change") -> str:
    return f"/admin/{row._meta.app_label}/{row._meta.model_name}/{row.pk}/{action}/"


def text_of(client, row) -> str:
    answer = client.get(page_of(row))
    assert answer.status_code == 200
    return answer.content.decode()


def sentences(answer) -> list[str]:
    return [str(message) for message in answer.context["messages"]]
