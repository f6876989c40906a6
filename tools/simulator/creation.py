"""An experiment that was never run: PsyNet's tables in an empty database, one launch, networks and nodes."""

import secrets
from datetime import datetime
from pathlib import Path

from psycopg2.extensions import connection as Connection

from psynetdata.psynet import jsontext
from psynetdata.psynet.problems import Conflict

from .table_writer import Rows
from .trial_kinds import make_nodes

LABEL = "Simulated experiment"
_SCHEMA = Path(__file__).with_name("schema.sql")
_MARK = "made by psynetdata simulate: "
_HOLDS_TABLES = """
    SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^(pg_|information_schema$)'
"""


def create(connection: Connection, *, deployment_id: str | None = None, label: str = LABEL) -> str:
    """Make the tables and one launch in an empty database, in one transaction. Return the deployment's id.

    The server's clock is this machine's. Raises Conflict for a database that has tables.
    """
    launched = datetime.now().astimezone()
    with connection, connection.cursor() as cursor:
        cursor.execute(_HOLDS_TABLES)
        held = cursor.fetchone()[0]
        if held:
            raise Conflict(f"--create needs an empty database; this one holds {held} tables.")
        cursor.execute(_SCHEMA.read_text(encoding="utf-8"))
        rows = Rows(connection)
        deployment_id = deployment_id or _fresh_id(launched)
        _launch(rows, deployment_id, label, launched)
        mark(rows, deployment_id)
        make_nodes(Rows(connection))
    return deployment_id


def mark(rows: Rows, deployment_id: str) -> None:
    """Note on the table that this launch is ours; a launch that is restored over it later is then not ours."""
    rows.execute("COMMENT ON TABLE experiment IS %s", (_MARK + deployment_id,))


def is_ours(rows: Rows) -> bool:
    """Return whether this database's launch was made by `create`, or marked by a run that found no participants."""
    comment = rows.select("SELECT obj_description('experiment'::regclass, 'pg_class')")[0][0]
    return comment is not None and comment == _MARK + launch_of(rows)


def launch_of(rows: Rows) -> str:
    """Return the deployment's id from the table `experiment`; an empty text if it does not say."""
    found = rows.select("SELECT vars FROM experiment ORDER BY id DESC LIMIT 1")
    told = jsontext.decode(found[0][0]) if found else None
    return str(told.get("deployment_id") or "") if isinstance(told, dict) else ""


def _fresh_id(launched: datetime) -> str:
    return f"simulated-{secrets.token_hex(3)}__mode=debug__launch={launched:%Y-%m-%d--%H-%M-%S}"


def _launch(rows: Rows, deployment_id: str, label: str, launched: datetime) -> None:
    known = {"deployment_id": deployment_id, "label": label}
    rows.insert("experiment", type="psynet.experiment.ExperimentConfig", vars=_VARS | known)
    minute = launched.isoformat(timespec="minutes")
    password = secrets.token_hex(8)
    dashboard = f"http://127.0.0.1:5000/basic_data?dashboard_user=simulator&dashboard_password={password}"
    rows.insert(
        "experiment_status",
        **_STATUS,
        creation_time=launched.replace(tzinfo=None),
        extra_info=_EXTRA_INFO | known | {"now": minute, "launch_time": minute, "basic_data_url": dashboard},
    )


_VARS = {
    "psynet_version": "13.3.0",
    "dallinger_version": "12.4.0",
    "python_version": "3.11.7",
    "hard_max_experiment_payment_email_sent": False,
    "soft_max_experiment_payment_email_sent": False,
    "hard_max_experiment_payment": 1100.0,
    "soft_max_experiment_payment": 1000.0,
    "max_participant_payment": 25.0,
    "deployment_config": {"language": "en", "mode": "debug", "recruiter": "generic", "currency": "$"},
}
_STATUS = {
    "failed": False,
    "cpu_usage_pct": 0.0,
    "ram_usage_pct": 6.8,
    "disk_usage_pct": 12.5,
    "median_response_time": 0.0,
    "requests_per_minute": 0,
    "n_working_participants": 0,
    "type": "psynet.experiment.ExperimentStatus",
}
_EXTRA_INFO = {
    "total_cost": 0,
    "participant_statuses": {},
    "estimated_duration": 38.0,
    "redeploying_from_archive": False,
    "mode": "debug",
    "is_local_deployment": True,
    "is_ssh_deployment": False,
    "server": None,
    "app": None,
    "asset_storage": "LocalStorage",
    "n_errors": 0,
    "currency": "$",
    "isOffline": False,
}
