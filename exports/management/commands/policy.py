from pathlib import Path

from exports.management.mirroring_command import MirroringCommand
from exports.management.text_table import table
from exports.mirroring.rebuild import to_mirror
from exports.operations import policy
from psynetdata.anonymize.face import policy_decisions
from psynetdata.anonymize.face.deployment_anonymizer import withholds
from psynetdata.anonymize.policy import selector_text
from psynetdata.anonymize.policy.rules import ACTIONS, FIELDS, Rule
from psynetdata.deployments import chosen
from psynetdata.models import Deployment
from psynetdata.psynet.problems import UsageError

_SCRUBBED = "scrubbed at level shared and not at all at level open"


class Command(MirroringCommand):
    help = "The policy of anonymized exports: list what is undecided, list decisions, and decide."

    def add_arguments(self, parser):
        named = {"metavar": "ID", "help": "Which deployment; not needed if there is only one."}
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        listed = verbs.add_parser("undecided", help="List what no rule covers in the newest snapshot, with proposals.")
        listed.add_argument("--csv", action="store_true", help="As lines for `decide --file`, proposals filled in.")
        verbs.add_parser("list", help="List the decisions.")
        decide = verbs.add_parser("decide", help="Decide about a column, one of its selectors, or all in a file.")
        decide.add_argument("place", nargs="*", metavar="TABLE COLUMN [SELECTOR]")
        decide.add_argument("--file", type=Path, metavar="CSV", help="Decisions, with the columns of policy.csv.")
        decide.add_argument("--shared", choices=ACTIONS, help="What happens in exports for a named colleague.")
        decide.add_argument("--open", choices=ACTIONS, help="What happens in exports for a repository.")
        decide.add_argument("--kind", help="What the values are: choice, number, free_text, …")
        decide.add_argument("--reason", default="", help="Why.")
        forget = verbs.add_parser("forget", help="Take a decision back.")
        forget.add_argument("place", nargs="+", metavar="TABLE COLUMN [SELECTOR]")
        withhold = verbs.add_parser("withhold", help="Whether what is undecided is withheld from colleagues too.")
        withhold.add_argument("answer", choices=("yes", "no"), help="no: it is exported scrubbed at level shared.")
        for verb in verbs.choices.values():
            verb.add_argument("--deployment", **named)

    def run(self, *, verb: str, deployment: str | None, **options):
        chosen_deployment = chosen(Deployment.objects.all(), deployment, how="--deployment")
        getattr(self, f"_{verb}")(chosen_deployment, **options)

    def _undecided(self, deployment: Deployment, *, csv: bool, **options) -> None:
        snapshot = policy.newest_of(deployment)
        job = self.job(policy.KIND, options={"snapshot": snapshot.pk}, deployment=deployment)
        undecided = job.result["found"]
        if csv:
            self.stdout.write(_lines(undecided), ending="")
        elif not undecided:
            self.stdout.write(f"Everything in snapshot {snapshot.pk} is covered by a rule.")
        else:
            header = ["table", "column", "selector", "rows", "values", "shared", "open", "kind"]
            names = ("table", "column", "selector", "rows", "shape", "shared", "open", "kind")
            self.stdout.write("\n".join(table(header, [[each[name] for name in names] for each in undecided])))
            until = "at neither level" if withholds(deployment) else _SCRUBBED
            self.stdout.write(
                "\nThe last three are proposals. Until someone decides, what the experimenter asked and stored is "
                f"exported {until}."
            )

    def _list(self, deployment: Deployment, **options) -> None:
        rows = [
            [
                one.table,
                one.column,
                _shown(one.selector),
                one.shared,
                one.open,
                one.kind,
                one.decided_by or "command line",
            ]
            for one in deployment.first.decisions.select_related("decided_by")
        ]
        if not rows:
            self.stdout.write(f"There are no decisions for {deployment.deployment_id}; only the policy applies.")
            return
        header = ["table", "column", "selector", "shared", "open", "kind", "decided by"]
        self.stdout.write("\n".join(table(header, rows)))

    def _decide(self, deployment: Deployment, *, place: list[str], file: Path | None, **options) -> None:
        named = [name for name in ("shared", "open", "kind") if options[name]]
        if file is not None and not place and not named:
            rules = policy_decisions.from_file(file)
        elif file is None and len(place) in (2, 3) and len(named) == 3:
            reason = options["reason"] or "decided by staff"
            rules = [Rule(*_place(place), options["shared"], options["open"], options["kind"], reason)]
        else:
            raise UsageError(
                "Give either --file CSV, or TABLE COLUMN [SELECTOR] with --shared, --open and --kind. "
                f"Actions are {', '.join(ACTIONS)}."
            )
        count = policy_decisions.decide(deployment, rules)
        self._rebuild(deployment)
        self.stdout.write(f"Decided about {count} for {deployment.deployment_id} and those that continue it.")

    def _forget(self, deployment: Deployment, *, place: list[str], **options) -> None:
        if len(place) not in (2, 3):
            raise UsageError("Give TABLE COLUMN [SELECTOR].")
        policy_decisions.forget(deployment, *_place(place))
        self._rebuild(deployment)
        self.stdout.write("Taken back; the policy's own rule applies again, or none.")

    def _withhold(self, deployment: Deployment, *, answer: str, **options) -> None:
        everything = answer == "yes"
        sentence = (
            f"What is undecided for {deployment.deployment_id} is exported "
            f"{'at neither level' if everything else _SCRUBBED}"
        )
        if policy_decisions.withhold(deployment, everything):
            self._rebuild(deployment)
            self.stdout.write(f"{sentence}, from now on.")
        else:
            self.stdout.write(f"{sentence}, as before.")

    def _rebuild(self, deployment: Deployment) -> None:
        self.mirror(to_mirror(deployment), done="It is recorded, but the anonymous face does not follow it yet.")


def _shown(selector: str) -> str:
    return f"{selector} (a pattern)" if selector_text.is_pattern(selector) else selector


def _place(words: list[str]) -> tuple[str, str, str]:
    return words[0], words[1], words[2] if len(words) == 3 else ""


def _lines(undecided: list[dict]) -> str:
    names = FIELDS[:-1]
    return policy_decisions.to_csv(
        Rule(*(each[name] for name in names), f"{each['rows']} rows: {each['shape']}")
        for each in undecided
        if not each["masked"]
    )
