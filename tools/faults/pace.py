"""An app that makes the desk notice dead workers within seconds."""

from datetime import timedelta

from django.apps import AppConfig

STALE_AFTER = 15  # seconds without a heartbeat; 60 in earnest
_STANDS_STILL_AFTER = 60  # without a sign of life; 180 in earnest


class Pace(AppConfig):
    name = "tools.faults"
    label = "faults"

    def ready(self):
        from psynetdata import clusters, jobs
        from psynetdata.infra import supervisor

        _replace(jobs, "STALE_AFTER", timedelta(seconds=STALE_AFTER))
        _replace(jobs, "SENT_AGAIN_AFTER", timedelta(seconds=8))
        _replace(jobs, "BEAT_EVERY", 2.0)
        _replace(clusters, "STANDS_STILL_AFTER", timedelta(seconds=_STANDS_STILL_AFTER))
        _replace(supervisor, "RESTART_PAUSE", 1.0)
        _replace(supervisor, "WATCH_EVERY", 5.0)


def _replace(module, name: str, value: object) -> None:
    if not isinstance(value, type(getattr(module, name))):
        raise TypeError(f"{module.__name__}.{name} is not a {type(value).__name__} any more")
    setattr(module, name, value)
