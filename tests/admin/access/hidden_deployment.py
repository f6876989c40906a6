"""A deployment that is hidden, with a row of everything that has a page; every address that could tell of it."""

import re
from collections.abc import Iterator
from html import unescape
from uuid import uuid4

from django.conf import settings
from django.contrib.auth.models import User
from django.urls import get_resolver
from django.utils import timezone

from exports.models import (
    Export,
    ExportArchive,
    ExportSchedule,
    Incident,
    Note,
    Snapshot,
    SourceCode,
    StoredAsset,
    Summary,
)
from psynetdata.models import (
    Asset,
    Audit,
    Deployment,
    Job,
    MirroredTable,
    MirrorModel,
    Network,
    Node,
    Participant,
    Record,
    Response,
    SavedSheet,
    SheetLink,
    Trial,
)

MIRRORED = (Participant, Trial, Asset, Node, Network, Response, Record)
# Every text of the hidden deployment, whatever column it stands in, holds this; every number begins so.
MARK, NUMBER = "zzhidden", 7654301
KEY = MirrorModel.make_key(NUMBER, 1)
NUMBERS = re.compile(rf"{NUMBER // 100}\d\d|{KEY}")


def hide() -> Deployment:
    row = Deployment.objects.create(
        number=NUMBER, deployment_id=f"{MARK}__launch=1", label=f"{MARK} label", restricted=True,
        source="local", every=60, slack_channel=MARK,
    )  # fmt: skip
    for face in settings.FACES:
        for model in MIRRORED:
            _mirrored(face, model, row)
    now, owner = timezone.now(), User.objects.create_user("owner-of-hidden")
    taken = Snapshot.objects.create(
        pk=NUMBER + 1, deployment=row, taken_at=now, tables={}, rows=NUMBER, bytes=NUMBER, new_bytes=NUMBER, origin=MARK
    )
    for number, state in enumerate(("done", "running", "queued", "failed"), 2):
        fields = {"phase": MARK, "reason": MARK, "options": {"a": MARK}, "owner": owner}
        job = Job.objects.create(pk=NUMBER + number, kind="export", deployment=row, state=state, **fields)
        export = Export.objects.create(
            pk=NUMBER + number, deployment=row, snapshot=taken, job=job, owner=owner, options={"anonymize": "yes"}
        )
    ExportArchive.objects.create(
        export_id=NUMBER + 2, mode="anonymous", file=MARK, bytes=NUMBER, sha256="0" * 64, manifest={}
    )
    ExportSchedule.objects.create(
        pk=NUMBER + 3, deployment=row, owner=owner, options={"anonymize": "yes"}, every_days=7, due_at=now,
        last=export, failures=5, reason=MARK, stopped_at=now,
    )  # fmt: skip
    Incident.objects.create(pk=NUMBER + 4, deployment=row, kind="fell", sentence=MARK, began_at=now)
    Incident.objects.create(pk=NUMBER + 5, deployment=row, kind="late", sentence=MARK, began_at=now, ended_at=now)
    Note.objects.create(pk=NUMBER + 6, deployment=row, text=MARK)
    SourceCode.objects.create(deployment=row, bytes=1, sha256="1" * 64, basic_data=MARK)
    StoredAsset.objects.create(deployment=row, asset_id=1, sha256="2" * 64, bytes=NUMBER, source=MARK)
    Summary.objects.create(deployment=row, snapshot_number=taken.pk, taken_at=now)
    columns = [["id", "id"]]
    SavedSheet.objects.create(pk=NUMBER + 7, deployment=row, name=f"{MARK}_sheet", base="trial", columns=columns)
    Audit.record("view", deployment=row, target=MARK)
    Audit.record("issue", target=f"token of {MARK}")
    return row


def link_of(user, row: Deployment) -> SheetLink:
    """Made while they saw it."""
    return SheetLink.issue(user, deployment=row, sheet=f"{MARK}_sheet", days=1)


def _mirrored(face: str, model: type, row: Deployment) -> None:
    key = {} if model is Record else {"key": model.make_key(row.number, 1)}
    texts = {"answer": f'"{MARK}"'} if model in (Participant, Trial, Response) else {}
    texts |= {"table": f"{MARK}_table", "identity": "1"} if model is Record else {}
    texts |= {"trial_maker_id": f"{MARK}_maker"} if model in (Trial, Network) else {}
    own = {"deployment_number": row.number, "id": 1, "class_name": f"{MARK}Class", "rest": f'{{"a": "{MARK}"}}'}
    model.objects.using(face).create(**key, **own, **texts)
    table = f"{MARK}_table" if model is Record else model.TABLE
    MirroredTable.objects.using(face).create(
        deployment_number=row.number, table=table, state=uuid4().hex, transform="t", columns=[], rows=1,
        classes={own["class_name"]: 1},
    )  # fmt: skip


def addresses_of(row: Deployment) -> list[str]:
    """Every address of the site, made of the numbers of the hidden deployment's rows."""
    numbers = {
        "admin/psynetdata/deployment": row.pk,
        "admin/psynetdata/job": NUMBER + 2,
        "admin/psynetdata/savedsheet": row.saved_sheets.get().pk,
        "admin/psynetdata/audit": Audit.objects.get(deployment=row).pk,
        "admin/psynetdata/record": Record.objects.using("anonymous").get(deployment_number=row.pk).pk,
        "admin/exports/snapshot": row.snapshots.get().pk,
        "admin/exports/export": NUMBER + 2,
        "admin/exports/incident": NUMBER + 4,
        "api/deployments": row.pk,
        "api/snapshots": row.snapshots.get().pk,
        "api/exports": NUMBER + 2,
    }
    found = []
    for route in _routes(get_resolver().url_patterns):
        named = {"name": "trial", "sheet": "trial", "row_id": "1", "token": "x", "signed": "x", "verb": "resume"}
        named |= {"preset": "1", "schedule": str(NUMBER + 3), "note": str(NUMBER + 6)}
        owner = re.match(r"admin/\w+/\w+(?=/)|api/\w+(?=/)", route)
        number = numbers.get(owner[0], Trial.make_key(row.number, 1)) if owner else 1
        path = re.sub(r"<(?:\w+:)?(\w+)>", lambda match, of=named, own=number: of.get(match[1], str(own)), route)
        if not re.search(r"[(^$*]|logout|jsi18n|<path:url>|^static", path):
            found.append(f"/{path}")
    return sorted(set(found))


def questions_about(row: Deployment) -> list[str]:
    """Addresses that ask for it: filters, searches, choices and parameters."""
    found = [f"/admin/search/?s={MARK}", f"/admin/search/?s={MARK}&extended=1"]
    for model in ("savedsheet", "sheetlink", "job", "audit"):
        field = f"app_label=psynetdata&model_name={model}&field_name=deployment"
        found += [f"/admin/autocomplete/?term={term}&{field}" for term in ("", MARK)]
    for model in ("snapshot", "export", "incident"):
        found.append(f"/admin/autocomplete/?term=&app_label=exports&model_name={model}&field_name=deployment")
    found += [f"/admin/psynetdata/{model._meta.model_name}/?deployment={row.pk}&q={MARK}" for model in MIRRORED]
    for model in ("psynetdata/job", "psynetdata/audit", "exports/snapshot", "exports/export", "exports/incident"):
        found += [f"/admin/{model}/?deployment__number__exact={row.pk}", f"/admin/{model}/?q={MARK}"]
    for asked in (row.pk, row.deployment_id, row.label):
        found += [f"/api/basic_data/?deployment={asked}", f"/api/basic_data/trial/?deployment={asked}"]
        found += [f"/basic_data?deployment={asked}&sheet=trial", f"/api/deployments/{asked}/"]
        found += [f"/api/exports/?deployment={asked}", f"/api/snapshots/?deployment={asked}"]
    found += [f"/api/basic_data/{MARK}_sheet/", f"/api/exports/{NUMBER + 2}/download/?mode=anonymous"]
    return found


def _routes(patterns, before: str = "") -> Iterator[str]:
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if hasattr(pattern, "url_patterns"):
            yield from _routes(pattern.url_patterns, route)
        else:
            yield route


def check(client, address: str, *forbidden: str) -> list[str]:
    """The links of the page. None of the forbidden words may stand in it, whatever its status, nor a number of what is
    hidden; where the address said it first, an answer may say it back."""
    client.raise_request_exception = True
    answer = client.get(address)
    assert answer.status_code < 500 or address == "/healthz", address
    text = b"".join(answer.streaming_content) if answer.streaming else answer.content
    text = unescape(text.decode("utf-8", "replace")) + str(answer.headers)
    # Of the address before it.
    text = re.sub(r"with ID “[^”]*” doesn’t exist", "", text)
    for word in forbidden:
        if word not in address:
            assert word not in text, f"{address} tells {word}"
    if not NUMBERS.search(address):
        assert not NUMBERS.search(text.replace(",", "")), f"{address} tells {NUMBERS.search(text.replace(',', ''))[0]}"
    if answer.status_code == 302:
        return [answer.url]
    return re.findall(r'href="([^"#]+)"', text)
