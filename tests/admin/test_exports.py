"""Asking for an export and its page."""

from datetime import timedelta

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from exports.admin.archive import scan_words
from exports.models import Export, ExportArchive
from psynetdata.models import Audit, Job

pytestmark = pytest.mark.django_db(databases="__all__")
CHOICE = {"assets": "none", "type": "psynet", "level": "shared"}
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


def ask_address(deployment, how="anonymized"):
    return f"/admin/psynetdata/deployment/{deployment.pk}/export-{how}/"


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


@pytest.mark.parametrize(("group", "anonymized", "as_it_is"), [
    ("viewer", 403, 403), ("analyst", 200, 403), ("data officer", 200, 200), ("superuser", 200, 200),
])  # fmt: skip
def test_who_may_ask(person, deployment, snapshot, group, anonymized, as_it_is):
    client = person(group)
    assert client.get(ask_address(deployment)).status_code == anonymized
    assert client.get(ask_address(deployment, "as-it-is")).status_code == as_it_is
    text = client.get(f"/admin/psynetdata/deployment/{deployment.pk}/change/").content.decode()
    assert ("Export, anonymized" in text) == (anonymized == 200)
    assert ("Export, as it is" in text) == (as_it_is == 200)


@pytest.mark.parametrize("group", ["viewer", "analyst"])
def test_asking_without_the_right_makes_nothing(person, deployment, snapshot, group):
    assert person(group).post(ask_address(deployment, "as-it-is"), CHOICE).status_code == 403
    assert not Export.objects.exists()


def test_the_page_says_what_will_happen(person, deployment, snapshot):
    text = person("data officer").get(ask_address(deployment, "as-it-is")).content.decode()
    assert "holds 5 rows" in text
    assert "Real worker ids" in text
    assert 'name="level"' not in text


def test_looking_starts_nothing(person, deployment, snapshot):
    person("analyst").get(ask_address(deployment))
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
    running = export("running", phase="scanning", done=10, total=40)
    text = page(person("viewer"), running)
    assert f'data-progress-url="/admin/psynetdata/job/{running.job_id}/progress/"' in text
    assert '<noscript><meta http-equiv="refresh"' in text
    assert 'value="25"' in text


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


def test_an_archive_whose_time_is_over(person, archives):
    archives.archives.update(expires_at=timezone.now() - timedelta(days=1))
    text = page(person("data officer"), archives)
    assert "Its time is over" in text
    assert "/download/" not in text


def test_the_scan_in_words(person, archives):
    sentence = (
        "38 members, 210.2 kB once unpacked, were searched for 16 identifiers and secrets (16 × worker id). "
        "None was found."
    )
    text = page(person("viewer"), archives)
    assert sentence in text
    assert "3 short values" in text
    assert scan_words({**REPORT, "clean": False, "findings": [{}]}).endswith("1 places hold one or more.")
    assert scan_words({}) == "no report was kept"


def test_lists_of_exports_need_as_many_queries_for_many(person, export):
    client = person("viewer")
    export()

    def count():
        with CaptureQueriesContext(connections["default"]) as captured:
            assert client.get("/admin/exports/export/").status_code == 200
        return len(captured)

    count()
    one = count()
    for _ in range(10):
        export()
    assert count() == one


def test_exports_are_not_changed_by_hand(person, archives):
    client = person("superuser")
    assert client.post(f"/admin/exports/export/{archives.pk}/change/", {"options": "{}"}).status_code == 403
    assert client.post(f"/admin/exports/export/{archives.pk}/delete/", {"post": "yes"}).status_code == 403
