import traceback
from pathlib import Path
from time import perf_counter

from psynetdata.deployments import chosen
from psynetdata.faces import ANONYMOUS, IDENTIFIED
from psynetdata.management.cli import Command as BaseCommand
from psynetdata.models import Audit, Deployment
from psynetdata.psynet.problems import NotFound, Problem
from psynetdata.sheets import basic_data_for, compute_basic_data
from psynetdata.sheets.basic_data.computation import CONTEXTS
from psynetdata.sheets.output.text_blocks import json_text


class Command(BaseCommand):
    help = "Run a deployment's get_basic_data on both faces and report the number of rows and the time."

    def add_arguments(self, parser):
        verbs = parser.add_subparsers(dest="verb", required=True)
        check = verbs.add_parser("check", help="Run it and report.")
        check.add_argument("--deployment", metavar="ID", help="The deployment; optional if there is only one.")
        check.add_argument("--sheet", metavar="NAME", help="Passed on as the query parameter `sheet`.")

        check.add_argument(
            "--context", choices=CONTEXTS, default="route", help="The context that is passed to the method."
        )

    def run(self, *, deployment: str | None, sheet: str | None, context: str, **options):
        chosen_deployment = chosen(Deployment.objects.all(), deployment, how="--deployment")
        experiment = basic_data_for(chosen_deployment)
        if experiment is None:
            raise NotFound(
                f"No class in BASIC_DATA_MODULES serves deployment {chosen_deployment.deployment_id}: "
                f"set label = {chosen_deployment.label!r} or deployment_id = {chosen_deployment.deployment_id!r} "
                "in a class."
            )
        self.stdout.write(
            f"{experiment.__module__}.{experiment.__qualname__} serves {chosen_deployment.deployment_id}."
        )
        asked = {} if sheet is None else {"sheet": sheet}
        for face in (IDENTIFIED, ANONYMOUS):
            self.stdout.write(f"{face}: {_measured(chosen_deployment, face, context, asked)}")
        Audit.record(
            "read", deployment=chosen_deployment, target="sheet get_basic_data", identified=True, context="check"
        )


def _measured(deployment: Deployment, face: str, context: str, asked: dict[str, str]) -> str:
    start = perf_counter()
    try:
        result = compute_basic_data(deployment, using=face, context=context, **asked)
    except Problem:
        raise
    except Exception as error:  # the experimenter's code can raise anything
        # The message is not shown: it may quote a row.
        where = traceback.extract_tb(error.__traceback__)[-1]
        raise Problem(
            f"get_basic_data raised {type(error).__name__} on the {face} face, in {Path(where.filename).name}, "
            f"line {where.lineno}."
        ) from None
    seconds = perf_counter() - start
    return f"{_counted(result)}, {len(json_text(result)):,} bytes as JSON, {seconds:.2f} s"


def _counted(result: object) -> str:
    if result is None:
        return "nothing"
    if isinstance(result, dict):
        return ", ".join(f"{name}: {_rows(value)}" for name, value in result.items()) or "an empty dictionary"
    return _rows(result)


def _rows(value: object) -> str:
    return f"{len(value)} rows" if hasattr(value, "__len__") and not isinstance(value, str) else "one value"
