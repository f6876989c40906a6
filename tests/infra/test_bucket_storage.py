"""A bucket that several processes use at once."""

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages

from psynetdata.env import storage
from psynetdata.infra.processes import pool
from psynetdata.infra.storage import blocks

NAMES = [f"segments/{number}" for number in range(12)]


def content_of(name: str) -> bytes:
    return name.encode() * 3000


def _read(kept, name: str) -> tuple[str, bool]:
    with kept.open(name, "rb") as file:
        whole = file.read()
    return name, whole == b"".join(blocks(kept, name, 0, len(whole))) == content_of(name)


@pytest.mark.parametrize("processes", [1, 3])
def test_forked_workers_get_what_they_asked_for(swift_server, bucket, processes):
    kept = storages.create_storage(storage(swift_server.url(bucket)))
    for name in NAMES:
        kept.save(name, ContentFile(content_of(name)))
    with pool(processes, kept) as workers:
        assert dict(workers.each(_read, NAMES)) == dict.fromkeys(NAMES, True)
    assert _read(kept, NAMES[0]) == (NAMES[0], True)
