"""An export from request to published archives, of real databases loaded the way a user loads them."""

import csv
import hashlib
import io
import json
import zipfile
from collections import Counter
from urllib.parse import quote

import pytest
from django.core.files.storage import default_storage

from exports.leakscan.scan import Finding, ScanReport
from exports.models import Export, ExportArchive
from exports.operations import export as export_operation
from exports.package import leak_check, publication
from exports.package.archive import Archive
from exports.package.deployment_choice import chosen
from exports.package.options import ExportOptions
from exports.package.request import request_export, run_here
from psynetdata import jobs
from psynetdata.anonymize.policy.rules import Policy, Rule
from psynetdata.models import Audit, Job
from psynetdata.psynet import csvtext
from psynetdata.psynet.problems import Cancelled, Conflict, Damaged, LeakFound, NotFound, Problem, UsageError
from psynetdata.psynet.table_source import ZipSource
from tests.store.snapshot_factory import DATA, reference, written_down

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)
REFERENCES = ("static", "static_audio", "timeline", "custom_table_simple")


def exported(deployment, **options):
    """{mode: zipfile} of a finished export, beside the Export."""
    export = request_export(deployment, ExportOptions(**options), here=True)
    run_here(export)
    return export, {
        archive.mode: zipfile.ZipFile(default_storage.open(archive.file)) for archive in export.archives.all()
    }


def database(archive, mode, tmp_path):
    path = tmp_path / f"{mode}-database.zip"
    path.write_bytes(archive.read(f"{mode}/database.zip"))
    return path


def table_records(path):
    with zipfile.ZipFile(path) as archive:
        return {
            name.removeprefix("data/"): list(csvtext.records(io.BufferedReader(archive.open(name))))
            for name in archive.namelist()
            if name.startswith("data/")
        }


@pytest.mark.parametrize("name", REFERENCES)
def test_regular_database_holds_what_went_in_byte_for_byte(name, loaded, database_zip, tmp_path):
    _, archives = exported(loaded(name), anonymize="no", type="database")
    came, went = table_records(database_zip(name)), table_records(database(archives["regular"], "regular", tmp_path))
    assert came.keys() == went.keys()
    for table, (header, *records) in came.items():
        assert went[table][0] == header
        assert Counter(went[table][1:]) == Counter(records), table
    assert archives["regular"].namelist() == ["manifest.json", "regular/database.zip"]


@pytest.mark.parametrize("name", REFERENCES)
def test_anonymous_holds_no_identifier_and_keeps_its_shape(name, loaded, database_zip, tmp_path):
    _, archives = exported(loaded(name), anonymize="yes")
    archive = archives["anonymous"]
    path = database(archive, "anonymous", tmp_path)
    came, went = ZipSource(database_zip(name)), ZipSource(path)
    assert went.tables() == came.tables()
    for table in came.tables():
        assert went.columns(table) == came.columns(table)
        assert sum(1 for _ in went.rows(table)) == sum(1 for _ in came.rows(table))
    texts = [archive.read(member) for member in archive.namelist()]
    texts += [zipfile.ZipFile(path).read(member) for member in zipfile.ZipFile(path).namelist()]
    everything = b"\n".join([*texts, *[name.encode() for name in archive.namelist()]]).lower()
    identifiers = people(came)
    assert len(identifiers) > 20
    assert [kind for value, kind in identifiers if value.lower().encode() in everything] == []
    assert [kind for value, kind in identifiers if quote(value, safe="").lower().encode() in everything] == []


def people(source):
    """(value, where it stood) of the identifiers that a look at PsyNet's columns finds."""
    columns = {
        "participant": ["worker_id", "assignment_id", "unique_id", "hit_id", "fingerprint_hash", "client_ip_address"],
        "request": ["unique_id"],
        "notification": ["assignment_id"],
        "response": ["client_ip_address"],
    }
    found = set()
    for table, wanted in columns.items():
        names = [column.name for column in source.columns(table)]
        for row in source.rows(table):
            found |= {(row[names.index(name)], f"{table}.{name}") for name in wanted if row[names.index(name)]}
    return {(value, where) for value, where in found if len(value) >= 8 and value != "127.0.0.1"}


def test_class_files_leave_as_psynet_wrote_them(loaded):
    _, archives = exported(loaded("static"), anonymize="no")
    theirs = DATA / "static" / "psynet-export" / "regular" / "data"
    for path in theirs.glob("*.csv"):
        ours = list(csv.DictReader(io.StringIO(archives["regular"].read(f"regular/data/{path.name}").decode())))
        assert len(ours) == len(list(csv.DictReader(path.open(newline=""))))
    trials = list(csv.DictReader(io.StringIO(archives["regular"].read("regular/data/AnimalTrial.csv").decode())))
    assert {"Very much", "cats"} & {trials[0]["answer"], trials[0]["animal"]}


def test_withheld_columns_are_gone_from_class_files_and_stay_in_the_database(loaded, tmp_path):
    _, archives = exported(loaded("static"), anonymize="yes")
    archive = archives["anonymous"]
    header = archive.read("anonymous/data/Response.csv").split(b"\n")[0].decode().split(",")
    assert "client_ip_address" not in header
    source = ZipSource(database(archive, "anonymous", tmp_path))
    names = [column.name for column in source.columns("response")]
    at = names.index("client_ip_address")
    assert {row[at] for row in source.rows("response")} <= {None, ""}


def test_the_archives_and_their_manifests(loaded):
    export, archives = exported(loaded("static"))
    assert set(archives) == {"regular", "anonymous"}
    for mode, archive in archives.items():
        manifest = json.loads(archive.read("manifest.json"))
        listed = {file["path"]: file for file in manifest["files"]}
        assert archive.namelist() == sorted(archive.namelist())
        assert set(archive.namelist()) == {*listed, "manifest.json"}
        assert all(name == "manifest.json" or name.startswith(f"{mode}/") for name in archive.namelist())
        for name, file in listed.items():
            content = archive.read(name)
            assert (len(content), hashlib.sha256(content).hexdigest()) == (file["bytes"], file["sha256"])
        assert manifest["tables"] == {table: entry["rows"] for table, entry in export.snapshot.tables.items()}
        assert sum(file.get("rows", 0) for file in listed.values()) == export.snapshot.rows
        assert manifest["versions"]["psynet"] == "13.3.0"
        assert manifest["snapshot"]["taken_at"].endswith("Z")
    anonymous = archives["anonymous"]
    assert b"regular" not in anonymous.read("manifest.json")
    inner = json.loads(anonymous.read("anonymous/manifest.json"))
    outer = json.loads(anonymous.read("manifest.json"))
    assert {f"anonymous/{file['path']}" for file in inner["files"]} == {
        file["path"] for file in outer["files"]
    } - {"anonymous/manifest.json"}  # fmt: skip
    told = json.loads(anonymous.read("anonymous/anonymization.json"))
    assert told["scan"]["looked_for"]["worker_id"]["strong"] >= 12
    assert told["scan"]["second_check"]["ids_of_people"] >= 12
    assert told["linkable"]
    row = export.archives.get(mode="anonymous")
    assert row.report["clean"] is True
    assert row.report["second_check"]["ids_of_people"] == told["scan"]["second_check"]["ids_of_people"]
    assert row.expires_at is not None


def test_the_same_snapshot_and_options_give_the_same_bytes(loaded):
    deployment = loaded("static_audio")
    first, _ = exported(deployment)
    second, _ = exported(deployment)
    assert first.pk != second.pk
    hashes = [sorted(export.archives.values_list("mode", "sha256", "bytes")) for export in (first, second)]
    assert hashes[0] == hashes[1]
    alone, _ = exported(deployment, anonymize="no")
    assert list(alone.archives.values_list("sha256", flat=True)) == [
        sha for mode, sha, _ in hashes[0] if mode == "regular"
    ]


@pytest.mark.parametrize(("options", "members"), [({"anonymize": "no"}, 2), ({"anonymize": "yes"}, 4)])
def test_a_database_export_is_the_database_alone(options, members, loaded):
    _, archives = exported(loaded("timeline"), type="database", **options)
    (archive,) = archives.values()
    assert len(archive.namelist()) == members
    assert not [name for name in archive.namelist() if "/data/" in name]


def test_levels_differ_in_what_people_wrote(loaded):
    deployment = loaded("timeline")
    left = {}
    for level in ("shared", "open"):
        _, archives = exported(deployment, anonymize="yes", level=level)
        archive = archives["anonymous"]
        assert json.loads(archive.read("manifest.json"))["options"]["level"] == level
        left[level] = archive.read("anonymous/data/Response.csv").decode()
    assert "Hello, I am a bot!" in left["shared"]
    assert "write to me" in left["shared"]
    assert "jane.doe5" not in left["shared"]
    assert "Hello, I am a bot!" not in left["open"]
    assert "write to me" not in left["open"]


def test_hostile_classes_keep_all_their_rows():
    types = ["x.../x", "a.CON", "a." + "L" * 300, "a.Twin", "a.TWIN", "a.Twin", None, "a.", "nodot", "a.b/c", "a.é"]
    rows = [[str(n), kind, f"note {n}", "{}"] for n, kind in enumerate(types)]
    snapshot = written_down({"thing": [["id", "type", "note", "vars"], *rows]})
    _, archives = exported(snapshot.deployment, anonymize="no")
    archive = archives["regular"]
    files = [file for file in json.loads(archive.read("manifest.json"))["files"] if "class" in file]
    found = [line for file in files for line in csv.DictReader(io.StringIO(archive.read(file["path"]).decode()))]
    assert sorted(line["note"] for line in found) == sorted(row[2] for row in rows)
    names = [file["path"].removeprefix("regular/data/") for file in files]
    assert len({name.casefold() for name in names}) == len(names) == 8
    assert all("/" not in name and ".." not in name and len(name) < 200 for name in names)
    assert {file["class"] for file in files} >= {"CON", "Twin", "TWIN", "L" * 300, "/x", "b/c"}


def test_keys_that_come_late_that_are_columns_and_that_are_too_many():
    """The second class finds its keys block by block; the third has so many that they stay in their column."""
    long = "x" * (1 << 20)
    rows = [
        ["1", "a.Late", long, '{"early": 1, "note": "of the object"}'],
        ["2", "a.Late", long, '{"late": "", "early": null}'],
        ["3", "a.Late", None, "{}"],
        *([str(4 + n), "a.Many", None, json.dumps({f"k{n}": n})] for n in range(5_000)),
    ]
    snapshot = written_down({"thing": [["id", "type", "note", "vars"], *rows]})
    _, archives = exported(snapshot.deployment, anonymize="no")
    archive = archives["regular"]
    late = list(csvtext.rows(csvtext.records(io.BytesIO(archive.read("regular/data/Late.csv")))))
    assert late == [
        ["id", "type", "note", "vars", "class", "object_type", "early", "late"],
        ["1", "Late", long, rows[0][3], "Late", "Thing", "1", None],
        ["2", "Late", long, rows[1][3], "Late", "Thing", None, ""],
        ["3", "Late", None, "{}", "Late", "Thing", None, None],
    ]
    many = archive.read("regular/data/Many.csv").splitlines()
    assert many[0] == b"id,type,note,vars,class,object_type"
    assert len(many) == 5_001
    assert json.loads(archive.read("manifest.json"))["notes"] == [
        "Many: the keys of vars are too many for columns and stay in their own column."
    ]


def test_one_class_name_in_two_tables_makes_two_files():
    header = ["id", "type", "vars"]
    snapshot = written_down({"coin": [header, ["1", None, "{}"]], "info": [header, ["7", "a.Coin", "{}"]]})
    _, archives = exported(snapshot.deployment, anonymize="no")
    files = json.loads(archives["regular"].read("manifest.json"))["files"]
    assert {file["path"]: file["table"] for file in files if "table" in file} == {
        "regular/data/Coin.csv": "coin",
        "regular/data/Coin__info.csv": "info",
    }


def test_a_leak_fails_the_job_and_leaves_nothing(own_storage, monkeypatch):
    """Whatever let it out, here a decision that keeps worker ids, the scan of the finished archive stops it."""
    worker = "5f3a9c0b7e2d418899aa01bc"
    lax = Policy.load().extended([Rule("participant", "worker_id", "", "keep", "keep", "label", "a mistake")])
    monkeypatch.setattr(Policy, "load", lambda: lax)
    snapshot = written_down({"participant": [["id", "worker_id", "vars"], ["1", worker, "{}"]]})
    export = request_export(snapshot.deployment, ExportOptions(), here=True)
    with pytest.raises(LeakFound) as raised:
        run_here(export)
    assert worker not in raised.value.sentence
    assert "worker_id" in raised.value.sentence
    export.job.refresh_from_db()
    assert (export.job.state, worker in export.job.reason) == (Job.State.FAILED, False)
    assert not ExportArchive.objects.exists()
    assert not (own_storage / "exports").exists()


def test_a_finding_s_sentence_names_kinds_and_members():
    findings = [Finding(f"m{n}.csv", "x", "worker_id", "plain", 1) for n in range(7)]
    sentence = leak_check.sentence(ScanReport("x", findings).findings)
    assert "worker_id" in sentence
    assert "m0.csv, m1.csv, m2.csv, m3.csv, m4.csv and 2 more" in sentence
    assert "cannot be searched" not in sentence
    closed = Finding("assets/a.zip", "content", "unreadable", "encrypted", 1)
    assert leak_check.sentence([closed]) == (
        "The anonymous archive still holds files that cannot be searched (encrypted): assets/a.zip; nothing was "
        "published. Leave these files out, by a rule of the policy or without assets, then export again."
    )
    assert "(worker_id) in m0.csv" in leak_check.sentence([closed, *findings])


def test_assets_of_each_mode(loaded, tmp_path):
    deployment = loaded("static_audio")
    deployment.assets_url = make_assets(deployment, tmp_path / "files", leave_out=3)
    deployment.save()
    _, archives = exported(deployment, assets="all")
    wanted = {mode: json.loads(archive.read("manifest.json"))["assets"] for mode, archive in archives.items()}
    assert wanted["regular"]["included"] == 72 + 7 - 3
    assert len(wanted["regular"]["missing"]) == 3 + 3
    assert wanted["anonymous"]["included"] == 7
    reason = "the experiment makes it on demand, and the experiment's address is not known"
    assert {each["reason"] for each in wanted["anonymous"]["missing"]} == {reason}
    names = [name for name in archives["regular"].namelist() if name.startswith("regular/assets/")]
    assert "regular/assets/static_audio/participants/participant_5/node_6__trial_42__imitation.wav" in names
    assert not [name for name in archives["anonymous"].namelist() if "participant" in name and "/assets/" in name]
    with pytest.raises(Problem, match="6 of 82 asset files are missing"):
        exported(deployment, assets="all", strict_assets=True)
    _, archives = exported(deployment, assets="none")
    assert not [name for name in archives["regular"].namelist() if "/assets/" in name]


def make_assets(deployment, root, *, leave_out):
    from exports.assets.plan import rows_of
    from exports.models import Snapshot
    from exports.store.reader import SnapshotReader

    rows = [row for row in rows_of(SnapshotReader(Snapshot.objects.newest(deployment))) if row["host_path"]]
    recordings = [row for row in rows if row["personal"] == "t"]
    for row in rows:
        if row not in recordings[:leave_out]:
            path = root / row["host_path"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"RIFF" + row["id"].encode())
    return root.as_uri()


def test_without_a_place_for_assets_they_are_listed_and_the_export_is_made(loaded):
    _, archives = exported(loaded("static_audio"), anonymize="no")
    told = json.loads(archives["regular"].read("manifest.json"))["assets"]
    assert (told["included"], len(told["missing"])) == (0, 72)


def test_cancel_stops_it_and_leaves_nothing(loaded, own_storage):
    export = request_export(loaded("static"), ExportOptions(), here=True)

    def stop(job):
        if job.phase == "checking":
            raise Cancelled("Stop.")

    with pytest.raises(Cancelled):
        run_here(export, on_progress=stop)
    export.job.refresh_from_db()
    assert export.job.state == Job.State.CANCELLED
    assert not (own_storage / "exports").exists()


def test_progress_never_goes_back_and_is_full_only_at_the_end(loaded):
    export = request_export(loaded("static_audio"), ExportOptions(), here=True)
    seen = []
    run_here(export, on_progress=lambda job: seen.append((job.done, job.total, job.percent)))
    assert len({total for _, total, _ in seen}) == 1
    assert [done for done, _, _ in seen] == sorted(done for done, _, _ in seen)
    assert all(percent <= 99 for _, _, percent in seen)
    assert seen[-1][0] <= seen[-1][1]


def test_a_damaged_archive_is_not_published(loaded, monkeypatch, own_storage):
    export = request_export(loaded("static"), ExportOptions(anonymize="no"), here=True)
    real = Archive.read_back

    def after_a_bit_fell_over(archive, units):
        archive._file.flush()
        with archive.path.open("r+b") as file:
            file.seek(archive.path.stat().st_size // 2)
            byte = file.read(1)[0]
            file.seek(-1, 1)
            file.write(bytes([byte ^ 1]))
        real(archive, units)

    monkeypatch.setattr(Archive, "read_back", after_a_bit_fell_over)
    with pytest.raises(Damaged, match="nothing was published"):
        run_here(export)
    assert not (own_storage / "exports").exists()


def test_a_job_that_is_delivered_again_gives_the_same_archives(loaded):
    export, _ = exported(loaded("static"))
    before = list(export.archives.order_by("mode"))
    assert export_operation.build(export) == before


def test_requests_are_checked_and_on_record(loaded, django_user_model):
    deployment = loaded("static")
    owner = django_user_model.objects.create_user("officer")
    export = request_export(deployment, ExportOptions(anonymize="yes"), owner=owner)
    assert (export.owner, export.job.kind, export.job.cluster) == (owner, "export", jobs.SLOW)
    assert export.job.state == Job.State.QUEUED
    line = Audit.objects.get(verb="export")
    assert (line.username, line.deployment, line.identified) == ("officer", deployment, False)
    assert line.details["anonymize"] == "yes"
    request_export(deployment, ExportOptions(), owner=owner)
    assert Audit.objects.filter(verb="export", identified=True).count() == 1


def test_what_cannot_be_exported_is_refused():
    snapshot = reference("timeline")
    other = written_down({}, name="other")
    with pytest.raises(Conflict, match="does not belong to deployment"):
        request_export(snapshot.deployment, ExportOptions(), snapshot=other)
    snapshot.state = snapshot.State.SUSPECT
    snapshot.save()
    for named in (None, snapshot):
        with pytest.raises(Conflict):
            request_export(snapshot.deployment, ExportOptions(), snapshot=named)
    other.deployment.assets_url = "ftp://bucket/assets"
    other.deployment.save()
    with pytest.raises(UsageError, match="cannot be used"):
        request_export(other.deployment, ExportOptions())
    request_export(other.deployment, ExportOptions(assets="none"), here=True)
    assert Export.objects.count() == 1


def test_naming_a_deployment():
    with pytest.raises(NotFound, match="no deployment here yet"):
        chosen(None)
    one = written_down({}, name="one")
    assert chosen(None) == (one.deployment, None)
    two = written_down({}, name="two")
    assert chosen(None, two.pk) == (two.deployment, two)
    assert chosen("one__launch") == (one.deployment, None)
    with pytest.raises(UsageError, match="two__launch, one__launch"):
        chosen(None)
    with pytest.raises(NotFound):
        chosen("three")
    with pytest.raises(NotFound):
        chosen(None, 10**6)


def test_options_are_told_from_nonsense():
    assert ExportOptions.from_json({}) == ExportOptions("both", "shared", "experiment", "psynet")
    options = ExportOptions("yes", "open", "none", "database", True, True)
    assert ExportOptions.from_json(json.loads(json.dumps(options.to_json()))) == options
    for wrong in (
        {"anonymize": "maybe"},
        {"level": 1},
        {"strange": 1},
        {"no_source": "no"},
        {"assets": None},
        [],
        None,
    ):
        with pytest.raises(UsageError):
            ExportOptions.from_json(wrong)


def test_a_late_failure_leaves_what_another_worker_published(loaded, monkeypatch, own_storage):
    export = request_export(loaded("timeline"), ExportOptions(anonymize="no", assets="none"), here=True)

    def while_another_publishes(finished, name):
        monkeypatch.undo()
        publication.publish(export, [finished])
        raise Cancelled("Stop.")

    monkeypatch.setattr(publication, "_store", while_another_publishes)
    with pytest.raises(Cancelled):
        run_here(export)
    archive = export.archives.get()
    assert (own_storage / archive.file).stat().st_size == archive.bytes
