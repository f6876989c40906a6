"""/healthz: reports whether the desk itself works. Alarms of deployments are shown elsewhere."""

import threading
from time import monotonic
from uuid import uuid4

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import DEFAULT_DB_ALIAS, Error, connections
from django.http import HttpRequest, JsonResponse

from psynetdata import clusters, jobs

_STORAGE_EVERY = 30.0  # seconds between tests of the storage, which may be far away and cost money
_ILL_STORAGE_EVERY = 5.0  # so that the answer is soon right again after a short outage
_lock = threading.Lock()
_storage: dict[str, object] = {}


def healthz(request: HttpRequest) -> JsonResponse:
    """Answer 200 or 503 with the state of each part of the desk; signed-in users also see details."""
    ill_databases = [alias for alias in (DEFAULT_DB_ALIAS, *settings.FACES) if not _answers(alias)]
    known = DEFAULT_DB_ALIAS not in ill_databases
    standing_still = clusters.standing_still() if known else ["unknown"]
    parts = {
        "database": not ill_databases,
        "installation": not ill_databases and _is_ready(),
        "storage": _storage_works(),
        "workers": not standing_still,
        "ticks": known and not clusters.tick_is_late(),
    }
    well = all(parts.values())
    state = {"status": "ok" if well else "ill", **parts}
    if not well and known and request.user.is_authenticated:
        state["details"] = {"databases": ill_databases, "workers_standing_still": standing_still}
    answer = JsonResponse(state, status=200 if well else 503)
    answer["Cache-Control"] = "no-store"
    return answer


def _answers(alias: str) -> bool:
    try:
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT 1")
            return cursor.fetchone() == (1,)
    except Error:
        return False


def _is_ready() -> bool:
    """Return whether jobs may work: whether database and storage belong together."""
    return _storage_state()["ready"]


def _storage_works() -> bool:
    return _storage_state()["works"]


def _storage_state() -> dict[str, bool]:
    with _lock:
        if _storage.get("until", 0.0) <= monotonic():
            ready = jobs.why_not_ready() is None
            works = ready and _try_storage()
            pause = _STORAGE_EVERY if works else _ILL_STORAGE_EVERY
            _storage.update(ready=ready, works=works, until=monotonic() + pause)
        return {name: bool(_storage[name]) for name in ("ready", "works")}


def _try_storage() -> bool:
    """Write a small file, read it and delete it; return whether that worked."""
    name, content = f"health/{uuid4().hex}", b"well"
    try:
        saved = default_storage.save(name, ContentFile(content))
        try:
            with default_storage.open(saved, "rb") as file:
                return file.read() == content
        finally:
            default_storage.delete(saved)
    except Exception:  # every storage has its own errors, and all of them mean that it does not work
        return False
