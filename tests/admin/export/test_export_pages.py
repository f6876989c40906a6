"""Asking for an export and its page."""

from datetime import timedelta

import pytest
from django.utils import timezone

from exports.admin.export.archive_card import scan_words
from exports.models import Export, ExportArchive, ExportPreset, ExportSchedule, Snapshot, Summary
from exports.package.estimate import expected
from exports.package.options import ExportOptions
from psynetdata.models import Audit, Deployment, Job
from tests.admin.conftest import text_of

pytestmark = pytest.mark.django_db(databases="__all__")
CHOICE = {"anonymize": "yes", "assets": "none", "type": "psynet", "level": "shared"}
REPORT = {
    "clean": True, "members": 38, "bytes_scanned": 210_208, "findings": [],
    "notes": ["3 short values were looked for less."],
    "looked_for": {"worker_id": {"strong": 15, "token": 0, "cell": 1}, "email": {"strong": 0, "token": 0, "cell": 0}},
}  # fmt: skip
MANIFEST = {
    "files": [{"path": "regular/data/Coin.csv", "bytes": 1234, "sha256": "0" * 64, "rows": 15}], "tables": {"coin": 15},
    "assets": {"included": 1, "missing": [{"id": 4, "export_path": "a/of-p01.wav", "reason": "gone"}], "differing": []},
    "notes": ["A note."], "asset_files": 1,
}  # fmt: skip


def ask_address(deployment, more=""):
    return f"/admin/psynetdata/deployment/{deployment.pk}/export/{more}"


@pytest.fixture
def export(deployment, snapshot):
    def make(state="done", **columns):
        job = Job.objects.create(kind="export", deployment=deployment, state=state, **columns)
        options = {"anonymize": "both", "assets": "none"}
        return Export.objects.create(deployment=deployment, snapshot=snapshot, job=job, options=options)

    return make


@pytest.fixture
def archives(export):
    made = export()
    for mode in ("anonymous", "regular"):
        report = REPORT if mode == "anonymous" else {}
        ExportArchive.objects.create(
            export=made, mode=mode, file=f"{mode}.zip", bytes=33_093, sha256="ab" * 32, manifest=MANIFEST, report=report
        )
    return made


def page(client, export) -> str:
    response = client.get(f"/admin/exports/export/{export.pk}/change/")
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize(("group", "modes"), [
    ("viewer", []), ("analyst", ["yes"]), ("data officer", ["yes", "no", "both"]), ("superuser", ["yes", "no", "both"]),
])  # fmt: skip
def test_who_may_ask(person, deployment, snapshot, group, modes):
    client = person(group)
    answer, expected = client.get(ask_address(deployment)), client.post(ask_address(deployment, "expected/"), CHOICE)
    assert [answer.status_code, expected.status_code] == [200 if modes else 403] * 2
    if modes:
        assert [value for value, _ in answer.context["form"].fields["anonymize"].choices] == modes
    text = client.get(f"/admin/psynetdata/deployment/{deployment.pk}/change/").content.decode()
    assert (ask_address(deployment) in text) == bool(modes)


@pytest.mark.parametrize("anonymize", ["no", "both"])
def test_asking_without_the_right_makes_nothing(person, deployment, snapshot, anonymize):
    assert person("viewer").post(ask_address(deployment), CHOICE).status_code == 403
    response = person("analyst").post(ask_address(deployment), CHOICE | {"anonymize": anonymize})
    assert "is not one of the available choices" in response.content.decode()
    assert not Export.objects.exists()


def test_the_page_says_what_it_will_hold(person, deployment, snapshot):
    Summary.objects.create(
        deployment=deployment, snapshot_number=1, taken_at=timezone.now(), classes=[["info", "MyTrial", 3, 0]],
        assets={"experiment": {"personal": [2, 4 * 10**6], "public": [1, 500_000]}, "other": {"public": [9, 9e6]}},
    )  # fmt: skip
    client = person("data officer")
    cards = client.get(ask_address(deployment)).context["expected"]
    (told,) = [dict(card.facts) for card in cards]
    assert told["holds"] == "database.zip, class files, manifest.json"
    assert told["class files"].startswith("MyTrial (3)")
    assert told["asset files"] == "1 (500.0 kB by their rows); 2 (4.0 MB by their rows) are personal and excluded"
    assert "it has not been listed yet" in told["not decided"]
    assert told["size"] == "about 558.2 kB, an estimate from typical exports"
    cards = client.post(ask_address(deployment, "expected/"), CHOICE | {"anonymize": "both", "assets": "all"})
    regular, anonymous = [dict(card.facts) for card in cards.context["expected"]]
    assert (regular["asset files"], anonymous["asset files"]) == (
        "12 (13.5 MB by their rows)", "10 (9.5 MB by their rows); 2 (4.0 MB by their rows) are personal and excluded",
    )  # fmt: skip
    assert not Job.objects.exists()


def test_the_size_follows_the_last_one_of_its_kind(person, archives, deployment, snapshot):
    options = ExportOptions(anonymize="yes", assets="none").to_json()
    Export.objects.update(options=options)
    ExportArchive.objects.filter(mode="anonymous").update(bytes=1000, manifest=MANIFEST | {"asset_files": 0})
    (one,) = expected(snapshot, ExportOptions.from_json(options))
    assert (one.bytes, one.measured) == (1000, True)
    snapshot.bytes = 58_000 / 0.18 + 1800  # what a fixed part and a share make twice as large
    (twice,) = expected(snapshot, ExportOptions.from_json(options))
    assert twice.bytes == pytest.approx(2000, rel=0.01)


def test_a_chosen_snapshot_is_exported(person, deployment, snapshot):
    newer = Snapshot.objects.create(deployment=deployment, taken_at=timezone.now(), tables={}, rows=0)
    client = person("analyst")
    assert client.get(ask_address(deployment, f"?snapshot={snapshot.pk}")).context["form"].chosen == snapshot
    client.post(ask_address(deployment), CHOICE | {"snapshot": str(snapshot.pk)})
    client.post(ask_address(deployment), CHOICE)
    assert list(Export.objects.order_by("pk").values_list("snapshot", flat=True)) == [snapshot.pk, newer.pk]
    of_another = Snapshot.objects.create(deployment=Deployment.objects.create(), taken_at=timezone.now(), tables={})
    client.post(ask_address(deployment), CHOICE | {"snapshot": str(of_another.pk)})
    assert Export.objects.count() == 2


def test_options_that_do_not_apply_are_not_looked_at(person, deployment, snapshot):
    asked = {"anonymize": "no", "type": "database", "files": "parquet", "assets": "none", "more": ["drop_text"]}
    person("data officer").post(ask_address(deployment), asked | {"level": "open", "beside": ["strict_assets"]})
    made = ExportOptions.from_json(Export.objects.get().options)
    assert made == ExportOptions(
        anonymize="no", type="database", assets="none", no_source=True, strict_assets=True
    )  # fmt: skip


def test_presets_are_kept_used_and_removed(person, deployment, snapshot):
    keeper, other = person("data officer"), person("analyst")
    keep = CHOICE | {"verb": "keep", "name": "Weekly", "level": "open", "more": ["day"]}
    assert keeper.post(ask_address(deployment), keep).url.endswith("?preset=1")
    assert other.get(ask_address(deployment, "?preset=1")).context["form"].options().coarsen == "day"
    assert "Somebody else saved" in other.post(ask_address(deployment), keep).content.decode()
    assert "A preset needs a name" in other.post(ask_address(deployment), keep | {"name": " "}).content.decode()
    keeper.post(ask_address(deployment), keep | {"anonymize": "both"})
    assert "Weekly" not in other.get(ask_address(deployment)).content.decode()
    remove = f"/admin/psynetdata/deployment/{deployment.pk}/presets/1/remove/"
    assert (other.post(remove).status_code, other.get(remove).status_code) == (403, 403)
    assert "is removed for everybody who uses it" in keeper.get(remove).content.decode()
    assert ExportPreset.objects.count() == 1
    assert (keeper.post(remove).status_code, ExportPreset.objects.count(), Export.objects.count()) == (302, 0, 0)


def test_an_export_is_scheduled_resumed_and_removed(person, deployment, snapshot):
    owner, other, admin = person("analyst"), person("analyst"), person("admin")
    owner.post(ask_address(deployment), CHOICE | {"verb": "repeat", "every": "7"})
    row = ExportSchedule.objects.get()
    assert (row.owner, row.every_days, row.options["anonymize"]) == (owner.user, 7, "yes")
    assert (
        "comes every 1, 7, 30 days"
        in owner.post(ask_address(deployment), CHOICE | {"verb": "repeat", "every": "2"}).content.decode()
    )
    ExportSchedule.objects.update(stopped_at=timezone.now(), failures=5, reason="The disk is full.")
    pages = {
        verb: f"/admin/psynetdata/deployment/{deployment.pk}/schedules/{row.pk}/{verb}/"
        for verb in ("resume", "remove")
    }
    for client, offered in ((owner, 2), (other, 0), (admin, 2)):
        text = text_of(client, deployment)
        assert "5 of 5 failures in a row. The disk is full." in text
        assert sum(address in text for address in pages.values()) == offered
        assert "Scheduled exports that stopped" in client.get("/admin/").content.decode()
    assert other.post(pages["resume"]).status_code == 403
    assert "It was stopped: The disk is full." in owner.get(pages["resume"]).content.decode()
    owner.post(pages["resume"])
    row.refresh_from_db()
    assert (row.stopped_at, row.failures) == (None, 0)
    assert "Scheduled exports that stopped" not in owner.get("/admin/").content.decode()
    admin.post(pages["remove"])
    assert not ExportSchedule.objects.exists()


def test_looking_starts_nothing(person, deployment, snapshot):
    client = person("analyst")
    client.get(ask_address(deployment))
    client.post(ask_address(deployment), CHOICE | {"verb": "look"})
    assert not Job.objects.exists()


@pytest.mark.django_db(databases="__all__", transaction=True)
def test_asking_makes_the_export_with_its_job(person, deployment, snapshot):
    client = person("analyst")
    response = client.post(ask_address(deployment), CHOICE | {"level": "open"})
    made = Export.objects.get()
    assert response.url == f"/admin/exports/export/{made.pk}/change/"
    assert (made.owner, made.snapshot, made.job.state) == (client.user, snapshot, "queued")
    asked = {key: made.options[key] for key in ("anonymize", "assets", "type", "level")}
    assert asked == {"anonymize": "yes", "assets": "none", "type": "psynet", "level": "open"}
    assert Audit.objects.filter(verb="export", user=client.user, identified=False).count() == 1


def test_unknown_choices_are_refused(person, deployment, snapshot):
    response = person("analyst").post(ask_address(deployment), CHOICE | {"assets": "everything"})
    assert "is not one of the available choices" in response.content.decode()
    assert not Export.objects.exists()


def test_a_problem_is_said_in_its_sentence(person, deployment):
    response = person("analyst").post(ask_address(deployment), CHOICE)
    assert not Export.objects.exists()
    assert "nothing to export" in response.content.decode()


def test_a_problem_of_the_assets_is_said_beside_the_form(person, deployment, snapshot):
    deployment.assets_url = "ftp://bucket"
    deployment.save()
    text = person("analyst").post(ask_address(deployment), CHOICE | {"assets": "all"}).content.decode()
    assert 'role="alert">The assets' in text


def test_a_running_export_refreshes_itself(person, export):
    counts = {"rows": [10, 39], "bytes": [1800, 7100]}
    running = export("running", phase="scanning", done=10, total=40, counts=counts)
    text = page(person("viewer"), running)
    assert f'data-progress-url="/admin/psynetdata/job/{running.job_id}/progress/"' in text
    assert '<noscript><meta http-equiv="refresh"' in text
    assert 'value="25"' in text
    assert "10 of 39 rows, 1.8 kB of 7.1 kB" in text
    assert "left<" not in text
    Job.objects.update(started_at=timezone.now() - timedelta(minutes=1))
    assert "about 3 minutes left" in page(person("viewer"), running)


def test_a_finished_one_does_not(person, export):
    text = page(person("viewer"), export())
    assert 'http-equiv="refresh"' not in text
    assert 'data-progress-url=""' in text


def test_a_failed_one_says_why(person, export):
    assert "The archive still holds 2 values." in page(
        person("viewer"), export("failed", reason="The archive still holds 2 values.")
    )


@pytest.mark.parametrize(("group", "modes"), [
    ("viewer", set()), ("analyst", {"anonymous"}), ("data officer", {"anonymous", "regular"}),
])  # fmt: skip
def test_download_is_for_who_may_have_it(person, archives, group, modes):
    text = page(person(group), archives)
    offered = {mode for mode in ("anonymous", "regular") if f"/api/exports/{archives.pk}/download/?mode={mode}" in text}
    assert offered == modes
    assert ("may not download" in text) == (len(modes) < 2)


def test_names_of_files_are_for_who_may_have_them(person, archives):
    archives.archives.filter(mode="anonymous").delete()
    assert "of-p01" not in page(person("analyst"), archives)
    officers = page(person("data officer"), archives)
    for part in (
        "of-p01",
        "regular/data/Coin.csv",
        "1.2 kB",
        "1 included, 1 missing",
        "A note.",
        "ab" * 32,
        "33,093 bytes",
    ):
        assert part in officers


def test_what_was_replaced_most_is_for_who_may_have_the_archive(person, archives):
    counts = [{"kind": "worker_id", "cells": 1200, "participants": 7}]
    archives.archives.update(manifest={**MANIFEST, "anonymization": {"replaced_most": counts}})
    sentence = "worker id in 1,200 cells of 7 participants"
    assert sentence in page(person("analyst"), archives)
    assert sentence not in page(person("viewer"), archives)


def test_what_is_stored_is_verified(person, archives):
    client, address = person("analyst"), f"/admin/exports/export/{archives.pk}/verify/"
    assert person("viewer").post(address).status_code == 403
    assert "compares its hashes" in client.get(address).content.decode()
    client.post(address)
    job = Job.objects.get(kind="verify")
    assert "Verifying" in page(client, archives)
    Job.objects.filter(pk=job.pk).update(
        state="done", finished_at=timezone.now(), result={"files": 3, "rows": 1500, "bytes": 4096}
    )
    assert "3 files with 1,500 rows (4.1 kB) are unchanged since they were stored" in page(client, archives)


def test_an_archive_whose_time_is_over(person, archives):
    archives.archives.update(expires_at=timezone.now() - timedelta(days=1))
    text = page(person("data officer"), archives)
    assert "This archive has expired" in text
    assert "/download/" not in text


def test_the_scan_in_words(person, archives):
    sentence = (
        "38 members, 210.2 kB uncompressed, were searched for 16 identifiers and secrets (16 × worker id). "
        "None was found."
    )
    text = page(person("viewer"), archives)
    assert sentence in text
    assert "3 short values" in text
    assert scan_words({**REPORT, "clean": False, "findings": [{}]}).endswith("1 places hold one or more.")
    assert scan_words({}) == "no report was stored"


def test_exports_are_not_changed_by_hand(person, archives):
    client = person("superuser")
    assert client.post(f"/admin/exports/export/{archives.pk}/change/", {"options": "{}"}).status_code == 403
    assert client.post(f"/admin/exports/export/{archives.pk}/delete/", {"post": "yes"}).status_code == 403
