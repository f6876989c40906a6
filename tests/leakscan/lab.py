"""A small lab, and its tables as they leave: anonymized, and searched by the scan."""

import json

from exports.leakscan.needles.collection import collect
from exports.leakscan.report import ScanReport
from exports.leakscan.scan import scan
from psynetdata.psynet import csvtext
from tests.anonymize.conftest import Anonymized, Tables

from .samples import archive

DEFINITION = {"animal": "dogs", "color": "red", "min": 0, "max": 100}
PROLIFIC = "5f3e9a1b2c4d5e6f7a8b9c0d"


def lab(*workers: str, answers: list = (), **tables) -> Tables:
    """A lab with these people, who saw DEFINITION and gave these answers."""
    people = [
        {"id": str(n), "worker_id": worker, "assignment_id": f"session-{n}-x", "hit_id": "1", "vars": "{}"}
        for n, worker in enumerate(workers, 1)
    ]
    trials = [
        {"id": str(n), "participant_id": str(n % 4 + 1), "type": "dallinger_experiment.experiment.MyTrial"}
        | {"definition": json.dumps(DEFINITION), "answer": json.dumps(answer, ensure_ascii=n % 2 == 0)}
        for n, answer in enumerate([*answers, "a", "b", "c", "d"])
    ]
    nodes = [{"id": "1", "type": "psynet.trial.static.StaticNode", "definition": '{"animal": "dogs"}', "degree": "0"}]
    return Tables(**{"participant": people, "info": trials, "node": nodes, **tables})


def passed(tmp_path, source: Tables, level: str = "shared") -> dict[str, list[dict]]:
    """The rows as they leave, once the scan has found nothing in them."""
    found = Anonymized(source, level=level)
    account = json.dumps(found.anonymizer.report()).encode()
    assert searched(tmp_path, source, found.after, account).findings == []
    return found.after


def searched(tmp_path, source: Tables, rows_by_table: dict[str, list[dict]], account: bytes = b"{}") -> ScanReport:
    """What the scan finds in these rows of the source."""
    members = {"anonymization.json": account}
    for table, rows in rows_by_table.items():
        header = [column.name for column in source.columns(table)]
        lines = [header, *([row.get(name) for name in header] for row in rows)]
        members[f"data/{table}.csv"] = b"\n".join(csvtext.format_row(line) for line in lines) + b"\n"
    return scan(archive(tmp_path, members), collect(source), accounts=["anonymization.json"])
