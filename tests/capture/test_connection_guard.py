"""The connections of a capture: none waits for ever, none runs another's code, none is left behind."""

import signal
import socket
import threading
from contextlib import suppress
from time import monotonic

import pytest

from exports.capture import fingerprints
from exports.capture.take import take
from exports.models import Snapshot
from exports.operations import deployments
from exports.sources import connection_guard
from exports.sources.postgres import Unreachable, parse
from exports.sources.read_transaction import ReadTransaction, read_transaction
from psynetdata.management.cli import Interrupted
from psynetdata.psynet.problems import Cancelled

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)
OURS = (
    "SELECT application_name FROM pg_stat_activity"
    " WHERE application_name LIKE 'psynetdata%' AND datname = current_database()"
)


class Tunnel:
    """Forwards to a server; once `frozen` it keeps every connection and forwards nothing."""

    def __init__(self, port: int):
        self.frozen = threading.Event()
        self._to = port
        self._ends = [socket.create_server(("127.0.0.1", 0))]
        self.port = self._ends[0].getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for end in self._ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                here = self._ends[0].accept()[0]
                there = socket.create_connection(("127.0.0.1", self._to))
                self._ends += [here, there]
                for ends in ((here, there), (there, here)):
                    threading.Thread(target=self._forward, args=ends, daemon=True).start()

    def _forward(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while (data := source.recv(65536)) and not self.frozen.is_set():
                target.sendall(data)


def nobody_left(postgres, url: str) -> bool:
    """Return when the server knows none of our connections any more; it needs a moment to end one."""
    deadline = monotonic() + 30
    while monotonic() < deadline:
        if postgres.execute(url, OURS) == []:
            return True
    return False


@pytest.mark.parametrize("when", ["query", "copy"])
def test_a_network_that_forwards_nothing_more(experiment, monkeypatch, own_storage, when):
    running = experiment("timeline")
    tunnel = Tunnel(parse(running.url).port)
    monkeypatch.setattr(connection_guard, "SILENT_AFTER", 1.0)
    done = getattr(ReadTransaction, when)

    def freeze(self, *args, **options):
        tunnel.frozen.set()
        return done(self, *args, **options)

    monkeypatch.setattr(ReadTransaction, when, freeze)
    address = running.url.replace(f":{parse(running.url).port}/", f":{tunnel.port}/")
    running.deployment.source_url = parse(address).url
    running.deployment.save()
    began = monotonic()
    with pytest.raises(Unreachable, match="the network or the server hangs"):
        take(running.deployment)
    tunnel.close()
    assert monotonic() - began < 30
    assert not Snapshot.objects.exists()
    assert not [path for path in own_storage.rglob("*") if path.is_file()]
    assert nobody_left(running.postgres, running.url)


@pytest.mark.each_version
def test_without_a_guard_nothing_goes_on(postgres):
    """Nobody would be seen waiting."""
    url = postgres.database("timeline")
    end = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name LIKE '%watching%' AND datname = current_database()"
    )

    def go_on():
        with read_transaction(parse(url)) as held:
            postgres.execute(url, end)
            held.query("SELECT pg_sleep(600)")

    began = monotonic()
    with pytest.raises(Unreachable, match="looks for waiting queries was cut"):
        go_on()
    assert monotonic() - began < 30


@pytest.mark.each_version
@pytest.mark.parametrize("error", [Cancelled("x"), Interrupted(signal.SIGTERM)])
def test_whoever_stops_it_does_not_wait_for_a_long_query(postgres, monkeypatch, error):
    url = postgres.database("timeline")
    monkeypatch.setattr(fingerprints, "_query", lambda table, cut: "SELECT 'info', NULL, 1, pg_sleep(600)::text")

    def stop():
        raise error

    began = monotonic()
    with pytest.raises(type(error)), read_transaction(parse(url)) as held:
        fingerprints.read_fingerprints(held, {}, stop)
    assert monotonic() - began < 30


def test_a_limit_of_the_roles_on_transactions(postgres):
    url = postgres.database("timeline")
    reader = postgres.role(url, "SELECT ON ALL TABLES IN SCHEMA public")
    postgres.execute(url, f"ALTER ROLE {parse(reader).user} SET transaction_timeout = '200ms'")
    with read_transaction(parse(reader)) as held:
        assert held.query("SELECT pg_sleep(0.4)::text") == [("",)]


@pytest.mark.each_version
def test_what_the_owner_or_the_role_sets_is_not_ours(postgres):
    """A function of the experiment's owner that fits better than PostgreSQL's would run with our rights."""
    url = postgres.database("static")
    refuse = "LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'ours was called'; END $$"
    postgres.execute(
        url,
        f"""
        CREATE FUNCTION public.hashtextextended(text, int) RETURNS bigint {refuse};
        CREATE FUNCTION public.set_config(text, text, bool) RETURNS text {refuse};
        CREATE FUNCTION public.shift(bigint, int) RETURNS bigint {refuse};
        CREATE OPERATOR public.>> (LEFTARG = bigint, RIGHTARG = int, PROCEDURE = public.shift);
        CREATE VIEW public.pg_class AS SELECT 1 / 0 AS oid; CREATE VIEW public.pg_locks AS SELECT 1 / 0 AS pid;
    """,
    )
    reader = postgres.role(url, "SELECT ON ALL TABLES IN SCHEMA public")
    postgres.execute(url, f"ALTER ROLE {parse(reader).user} SET search_path = public, pg_catalog")
    running = deployments.add(reader).deployment
    assert take(running).snapshot.state == Snapshot.State.GOOD
    assert nobody_left(postgres, url)
