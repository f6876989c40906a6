"""`deployment retire`: a running experiment, its files and its code, brought here and proven before the server goes."""

import pytest

from exports.capture.take import take
from exports.models import Snapshot, SourceCode, StoredAsset
from exports.operations import deployments
from exports.operations.asset_location import AssetLocationSettings, set_asset_location
from psynetdata.models import Audit, Deployment, Job
from tests.server.test_source_code import code

from .test_drill import spoil

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)


@pytest.fixture
def experiment(transactional_db, postgres, web):
    """A small running experiment with one asset file and its source code, which the web server hands out."""
    url = postgres.database("static")
    web.files |= {"/assets/a.wav": b"sound", "/download_source": code()}
    postgres.execute(url, "DELETE FROM asset")
    deployment = deployments.add(url).deployment
    set_asset_location(
        deployment, AssetLocationSettings(url=f"{web.url}/assets", experiment=web.url, experiment_login="me:pw")
    )
    deployment.sql = lambda sql: postgres.execute(url, sql)
    return deployment


ASSET = """
INSERT INTO asset (id, type, creation_time, local_key, host_path, export_path)
VALUES (1, 'psynet.asset.ExperimentAsset', '2026-11-22', 'a', 'a.wav', 'a.wav')
"""


def retired(typed, deployment) -> tuple[int, list[str], str]:
    status, out, err = typed("deployment", "retire", deployment.deployment_id)
    assert "Traceback" not in err
    return status, out.splitlines(), err.strip()


def test_when_all_is_here_it_is_safe_to_destroy(experiment, typed, settings, postgres, web):
    settings.DRILL_DATABASE_URL = postgres.empty()
    experiment.sql(f"{ASSET}, (2, 'psynet.asset.ExperimentAsset', '2026-11-22', 'b', NULL, NULL)")
    status, said, err = retired(typed, experiment)
    assert (status, err) == (0, "")
    said.remove("1 asset files are missing: its row names no file.")
    snapshot = Snapshot.objects.get()
    assert said[0].startswith(f"Snapshot {snapshot.pk} was taken at 20")
    assert said[1:3] == [
        "1 asset files are here; 1 of them were fetched now.",
        f"Its source code was fetched, {len(code())} bytes.",
    ]
    assert "was restored in" in said[4]
    assert said[-1] == f"{experiment.deployment_id} is safe to destroy; it is archived here."
    experiment.refresh_from_db()
    assert experiment.state == Deployment.State.ARCHIVED
    job = Job.objects.get(kind="retire")
    assert (job.state, job.result["safe"], job.result["snapshot"]) == ("done", True, snapshot.pk)
    assert set(Job.objects.values_list("kind", flat=True)) == {"retire", "snapshot", "mirror", "assets", "drill"}
    assert Audit.objects.get(verb="retire").details == {"safe": True, "missing": 0}
    # Its server is gone; asked again, it still is.
    web.close()
    assert retired(typed, experiment)[0] == 0
    assert (StoredAsset.objects.count(), SourceCode.objects.count()) == (1, 1)


def test_without_a_database_for_drills_rows_are_counted_in_a_scratch_one(experiment, typed):
    status, said, _ = retired(typed, experiment)
    assert status == 0
    snapshot = Snapshot.objects.get()
    mirrored = snapshot.rows - snapshot.rows_of("request")
    assert "DRILL_DATABASE_URL names no database" in said[-3]
    assert said[-2] == f"Instead, {mirrored} rows were loaded into a scratch database and counted."


def test_what_is_missing_is_listed_and_nothing_ends(experiment, typed, web):
    experiment.sql(ASSET)
    web.files.pop("/assets/a.wav")
    web.login = "other:one"
    status, said, err = retired(typed, experiment)
    missing = [line for line in said if line.startswith("MISSING: ")]
    assert missing == [
        "MISSING: 1 asset files are missing: permission to read it was denied.",
        "MISSING: The source code could not be fetched from the experiment: it asks for another user or password.",
    ]
    assert (status, err) == (1, f"{experiment.deployment_id} is NOT safe to destroy: 2 things are missing here.")
    experiment.refresh_from_db()
    assert experiment.state == Deployment.State.RUNNING
    assert not Job.objects.get(kind="retire").result["safe"]


def test_a_source_that_does_not_answer_and_files_that_are_damaged(experiment, typed, own_storage):
    spoil(take(experiment).snapshot, own_storage)
    experiment.source_url = "postgres://nobody@127.0.0.1:1/gone"
    experiment.save()
    status, said, _ = retired(typed, experiment)
    missing = "\n".join(line for line in said if line.startswith("MISSING: "))
    assert status == 1
    assert "gone on 127.0.0.1:1" in missing
    assert "In the stored snapshot: Table" in missing


def test_another_launch_and_fewer_rows_are_not_safe(experiment, typed):
    take(experiment)
    experiment.sql("DELETE FROM response WHERE id > 10")
    status, said, _ = retired(typed, experiment)
    assert status == 1
    assert any("is suspect" in line for line in said)
    experiment.sql("UPDATE experiment SET vars = replace(vars, 'launch=2026', 'launch=2027')")
    experiment.sql("DELETE FROM participant; DELETE FROM info; DELETE FROM response")
    status, said, _ = retired(typed, experiment)
    assert status == 1
    assert any("Another launch now runs" in line for line in said)


def test_what_was_archived_is_asked_again_first(experiment, typed):
    """Rows may have come since: nobody looked."""
    take(experiment)
    deployments.archive(experiment)
    for _ in range(2):
        status, said, _ = retired(typed, experiment)
        assert (status, any("resume it" in line for line in said)) == (1, True)
        deployments.resume(experiment)
        assert retired(typed, experiment)[0] == 0
        assert retired(typed, experiment)[0] == 0  # nothing can have come since
        experiment.refresh_from_db()
        deployments.resume(experiment)
        deployments.archive(experiment)


def test_what_has_no_server(loaded, typed):
    status, _, err = retired(typed, loaded("timeline"))
    assert (status, "has no server to retire" in err) == (1, True)
