"""Retire a deployment: bring everything that the experiment's server holds here and prove it, or list what is missing.

Each step that changes something is a job of its own kind and leaves the usual record.
"""

from time import sleep

from exports.assets import background_fetch
from exports.assets.plan import NO_FILE
from exports.capture import snapshot_schedule
from exports.mirroring import mirror_claims
from exports.mirroring.mirror import MirrorSource
from exports.models import Snapshot, SourceCode
from exports.operations import deployments
from exports.operations.storage_check import verify_assets, verify_logs, verify_snapshot, verify_source_code
from exports.server import logs, source_code_download
from exports.store.locks import SNAPSHOTS, alive
from psynetdata import jobs
from psynetdata.jobs import Running
from psynetdata.mirror import Transform, refresh, scratch
from psynetdata.models import Audit, Deployment, Job
from psynetdata.psynet import times
from psynetdata.psynet.problems import Cancelled, Conflict, Problem
from psynetdata.psynet.tables import UNMIRRORED_TABLES

from .drill import RESTORED

KIND = "retire"
_NAMED = 5  # problems of one thing that are listed one by one
_LOOK = 0.5  # seconds between checks for another job that is working on the deployment


def retire(deployment: Deployment, running: Running) -> dict:
    """Return {"safe": bool, "snapshot": id or null, "done": [sentences], "missing": [sentences]}.

    If nothing is missing, the deployment is archived and its server may be deleted. Raises Conflict without a server.
    """
    if deployment.source == Deployment.Source.UPLOAD:
        raise Conflict(f"Deployment {deployment.deployment_id} was loaded from a file; it has no server to retire.")
    result = _Retiring(deployment, running).run()
    deployment.refresh_from_db()
    user = running.job.owner
    if result["safe"] and deployment.state in (*Deployment.OPEN, Deployment.State.FINISHED):
        deployments.archive(deployment, user=user)
    details = {"safe": result["safe"], "missing": len(result["missing"])}
    Audit.record(KIND, user=user, deployment=deployment, target=deployment.deployment_id, **details)
    return result


class _Retiring:
    def __init__(self, deployment: Deployment, running: Running):
        self._deployment, self._running = deployment, running
        self._number = 0  # of the step
        self._done: list[str] = []
        self._missing: list[str] = []
        fetching = (self._fetch_logs, self._fetch_assets, self._fetch_source_code)
        self._steps = (self._take, *fetching, self._verify, self._drill)

    def run(self) -> dict:
        """Run all steps. A step that fails is reported, and the other steps are still done."""
        for number, step in enumerate(self._steps):
            self._number = number
            try:
                step()
            except Cancelled:
                raise
            except Problem as problem:
                self._missing.append(problem.sentence)
        newest = Snapshot.objects.newest(self._deployment)
        result = {"done": self._done, "missing": self._missing, "snapshot": newest and newest.pk}
        return {"safe": not self._missing, **result}

    def _show_phase(self, phase: str) -> None:
        self._running.progress(phase[:80], self._number, len(self._steps))

    def _job(self, phase: str, kind: str, **options) -> Job:
        """Run a job here to its end. Raises the job's Problem, and Cancelled if this job is to stop."""
        self._show_phase(phase)
        return jobs.run_here(
            kind, options=options, deployment=self._deployment, owner=self._running.job.owner,
            on_progress=lambda job: self._show_phase(f"{phase}: {job.phase}"),
        )  # fmt: skip

    def _take(self) -> None:
        if self._deployment.state not in Deployment.OPEN:
            self._done.append(self._why_not_asked())
            return
        while alive(SNAPSHOTS).filter(deployment=self._deployment).exists():  # usually a scheduled snapshot
            self._running.check()
            sleep(_LOOK)
        taken = self._job("taking the last snapshot", snapshot_schedule.KIND, full=True, mirror=False)
        snapshot = Snapshot.objects.select_related("deployment").get(pk=taken.result["snapshot"])
        if snapshot.deployment != self._deployment:
            raise Conflict(
                f"Another launch now runs at its source, {snapshot.deployment.deployment_id}: retire that one too "
                "before the server is deleted. Then retire this one again."
            )
        if snapshot.state != Snapshot.State.GOOD:
            raise Conflict(
                f"The last snapshot, {snapshot.pk}, is {snapshot.state}: {snapshot.reason} Look at it first."
            )
        self._job("mirroring the last snapshot", mirror_claims.KIND, waits=True)
        moment = times.to_iso(snapshot.taken_at.replace(microsecond=0))
        self._done.append(f"Snapshot {snapshot.pk} was taken at {moment}: {snapshot.rows} rows, all read again.")

    def _why_not_asked(self) -> str:
        """Return why a closed deployment's source holds nothing that is missing here. Raises Conflict if it may."""
        if self._deployment.state == Deployment.State.FINISHED:
            return (
                "It is finished: another launch took its place at its source, so no more of its data can be read there."
            )
        before = Job.objects.filter(
            kind=KIND, deployment=self._deployment, state=Job.State.DONE, result__safe=True
        ).first()
        resumed = before and Audit.objects.filter(verb="resume", deployment=self._deployment, at__gt=before.created_at)
        if before is None or resumed.exists():
            raise Conflict(
                "It is archived, and what its source received since then is not here: resume it (`deployment resume`), "
                "then retire it again."
            )
        return f"It was retired before ({before}); its source was not asked again."

    def _newest(self) -> Snapshot:
        snapshot = Snapshot.objects.newest(self._deployment)
        if snapshot is None:
            raise Conflict("It has no good snapshot.")
        return snapshot

    def _fetch_assets(self) -> None:
        if not self._newest().tables.get("asset", {"rows": 0})["rows"]:
            self._done.append("It has no assets.")
            return
        result = self._job("fetching asset files", background_fetch.KIND, whole=True).result
        for reason, count in sorted(result["missing"].items()):
            told_of = self._done if reason == NO_FILE else self._missing  # on no server: nothing is lost
            told_of.append(f"{count} asset files are missing: {reason}.")
        kept = self._deployment.stored_assets.count()
        self._done.append(f"{kept} asset files are here; {result['fetched']} of them were fetched now.")

    def _fetch_logs(self) -> None:
        if logs.can_be_read(self._deployment):
            result = self._job("reading logs", logs.KIND).result
            read = f"Its server's logs were read to their end, {result.get('bytes')} bytes."
            self._done.append(result.get("missing") or read)
        elif kept := logs.kept_logs(self._deployment):
            self._done.append(f"Its server's logs are here, {kept.bytes} bytes.")

    def _fetch_source_code(self) -> None:
        deployment = self._deployment
        if SourceCode.objects.filter(deployment=deployment).exists():
            self._done.append("Its source code is here.")
        elif source_code_download.can_be_asked(deployment):
            self._show_phase("fetching source code")
            kept = source_code_download.fetch(deployment, check_cancelled=self._running.check)
            self._done.append(f"Its source code was fetched, {kept.bytes} bytes.")
        else:
            raise Conflict(
                "Its source code is not here, and the experiment's address is not known. Upload the source code on the "
                "deployment's page, or set the address (`deployment assets --experiment`)."
            )

    def _verify(self) -> None:
        self._show_phase("comparing hashes")
        checks = {"snapshot": verify_snapshot(self._newest()), "asset files": verify_assets(self._deployment)}
        if code := SourceCode.objects.filter(deployment=self._deployment).first():
            checks["source code"] = verify_source_code(code)
        if kept := logs.kept_logs(self._deployment):
            checks["logs"] = verify_logs(kept)
        for name, checked in checks.items():
            self._missing += [f"In the stored {name}: {problem}" for problem in checked.problems[:_NAMED]]
            if len(checked.problems) > _NAMED:
                self._missing.append(f"In the stored {name}, {len(checked.problems) - _NAMED} more are damaged.")
        if not any(checked.problems for checked in checks.values()):
            files = sum(checked.files for checked in checks.values())
            self._done.append(f"{files} stored files were compared with their hashes.")

    def _drill(self) -> None:
        result = self._job("restoring for a test", "drill").result
        self._done.append(result["sentence"])
        if result["how"] != RESTORED:
            rows = sum(_in_scratch(self._newest(), self._running).values())
            self._done.append(f"Instead, {rows} rows were loaded into a scratch database and counted.")


def _in_scratch(snapshot: Snapshot, running: Running) -> dict[str, int]:
    """Load the snapshot into an empty mirror. Return {table: rows}. Raises Conflict if they are not the snapshot's."""
    with scratch() as alias:
        source = MirrorSource(snapshot)
        rows = refresh(
            alias, snapshot.deployment, source, Transform("as it is"), on_progress=lambda *_: running.check()
        )
    expected = {table: snapshot.rows_of(table) for table in snapshot.tables if table not in UNMIRRORED_TABLES}
    if rows != expected:
        raise Conflict(f"{str(snapshot).capitalize()} did not load completely into a scratch database.")
    return rows
