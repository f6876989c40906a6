"""List what no policy rule covers in a snapshot, before anything is exported, and what a decision starts."""

from dataclasses import dataclass
from functools import partial

from exports.ledger.collection import complete
from exports.mirroring.mirror import MirrorSource
from exports.models import Snapshot
from psynetdata import jobs
from psynetdata.anonymize.face.deployment_anonymizer import anonymizer, policy_of
from psynetdata.anonymize.policy import selector_text
from psynetdata.anonymize.rows.selectors import CLASS, scheme
from psynetdata.anonymize.rows.survey import Survey
from psynetdata.models import Deployment, Job
from psynetdata.psynet.problems import Conflict

KIND = "undecided"
# How selectors are written in a list. In older lists a key that reads as a pattern would decide as one.
WRITTEN = 2


@dataclass(frozen=True)
class UndecidedListing:
    """The last list: of which snapshot (None: there is no list yet), and the newest snapshot, which may be later."""

    snapshot: Snapshot | None
    found: list[dict]
    newest: Snapshot | None

    @property
    def is_old(self) -> bool:
        return self.newest is not None and self.newest != self.snapshot


def list_undecided(snapshot: Snapshot, running: jobs.Running | None = None) -> list[dict]:
    """Return [{table, column, selector, rows, shape, masked, shared, open, kind}] of what is undecided, in order.

    `shape` describes the values without quoting one; the last three are a rule that would fit. A selector that holds
    an identifier is shown without it and is `masked`: only a pattern can decide about it. Selectors are written as in
    psynetdata.anonymize.policy.selector_text: a `*` in a key is not a pattern.
    """
    source, deployment = MirrorSource(snapshot), snapshot.deployment
    survey, done = Survey(policy_of(deployment)), 0
    for table in source.tables():
        count = source.row_count(table)
        if running is not None:
            running.progress("looking at what is undecided", done, snapshot.rows)
        survey.add_rows(table, source.columns(table), _checking(source.rows(table), running))
        done += count
    ledger = complete(deployment, running and partial(running.progress, "collecting identifiers"))
    clean = anonymizer(deployment, source, ledger).scrubber.string
    undecided = []
    for (table, column, selector), shape in sorted(survey.found.items()):
        plain = selector_text.plain(selector)
        shown = clean(plain, free_text=True)
        masked = shown != plain
        name = selector_text.last_name(selector, scheme(table, column) == CLASS) if selector else column
        entry = {"table": table, "column": column, "selector": shown if masked else selector, "masked": masked}
        undecided.append(entry | {"rows": shape.rows, "shape": shape.words()} | shape.proposal(name))
    return undecided


def latest(deployment: Deployment) -> UndecidedListing:
    """Return the last list, without what was decided since."""
    newest = Snapshot.objects.newest(deployment)
    done = Job.objects.filter(deployment=deployment, kind=KIND, state=Job.State.DONE).first()
    if done is None or done.result.get("written") != WRITTEN:
        return UndecidedListing(None, [], newest)
    policy = policy_of(deployment)
    survey = Survey(policy)
    undecided = [
        each
        for each in done.result["found"]
        if each["masked"]
        or (
            survey.is_open(each["table"], each["column"], each["selector"])
            if each["selector"]
            else survey.whole(each["table"], each["column"])
        )
    ]
    snapshot = Snapshot.objects.filter(pk=done.result["snapshot"]).first()
    return UndecidedListing(snapshot, undecided, newest)


def ask(deployment: Deployment, *, owner=None) -> Job:
    """Return a job that makes the list; the active one if there is one. Raises Conflict without a good snapshot."""
    newest = newest_of(deployment)
    return running_job(deployment) or jobs.submit(
        KIND, options={"snapshot": newest.pk}, deployment=deployment, owner=owner
    )


def running_job(deployment: Deployment) -> Job | None:
    return Job.objects.filter(deployment=deployment, kind=KIND, state__in=Job.ACTIVE).first()


def newest_of(deployment: Deployment) -> Snapshot:
    newest = Snapshot.objects.newest(deployment)
    if newest is None:
        raise Conflict(f"Deployment {deployment.deployment_id} has no good snapshot yet; load or take one first.")
    return newest


def _checking(rows, running: jobs.Running | None):
    for number, row in enumerate(rows):
        if running is not None and number % 1000 == 0:
            running.check()
        yield row
