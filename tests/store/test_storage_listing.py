"""All names below a folder: of a local folder, and of a bucket, whose list comes in pages."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from exports.store.storage_listing import names

KEYS = [
    "lab/exports/1/regular.zip",
    "lab/snapshots/ab/cd/abcd.csv.gz",
    "lab/snapshots/ab/ce/abce.pack",
    "lab/snapshots/ff/00/ff00.json.gz",
    "lab/snapshotsother/x",
]


def test_a_local_folder():
    assert list(names(default_storage, "snapshots")) == []
    for key in KEYS:
        default_storage.save(key, ContentFile(b""))
    assert sorted(names(default_storage, "lab/snapshots")) == KEYS[1:4]


class _Lists(BaseHTTPRequestHandler):
    """Answers S3's list of objects two keys at a time (Amazon S3 API reference, ListObjects)."""

    def do_GET(self):
        self.server.asked.append(self.path)
        asked = {key: values[0] for key, values in parse_qs(urlsplit(self.path).query).items()}
        left = [key for key in KEYS if key.startswith(asked.get("prefix", "")) and key > asked.get("marker", "")]
        found = "".join(
            f"<Contents><Key>{key}</Key><LastModified>2026-11-22T08:00:00.000Z</LastModified><Size>1</Size></Contents>"
            for key in left[:2]
        )
        more = f"<IsTruncated>{'true' if len(left) > 2 else 'false'}</IsTruncated>"
        body = f"<ListBucketResult><Name>bucket</Name>{more}{found}</ListBucketResult>".encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        """Quiet."""


@pytest.fixture
def lists():
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Lists)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("location", ["lab", ""])
def test_a_bucket_is_listed_page_by_page_and_not_folder_by_folder(lists, location):
    storages = pytest.importorskip("storages.backends.s3")
    storage = storages.S3Storage(
        bucket_name="bucket",
        location=location,
        endpoint_url=f"http://127.0.0.1:{lists.server_port}",
        access_key="key",
        secret_key="secret",
        addressing_style="path",
    )
    folder = "snapshots" if location else "lab/snapshots"
    wanted = [key.removeprefix("lab/") if location else key for key in KEYS[1:4]]
    assert list(names(storage, folder)) == wanted
    assert len(lists.asked) == 2
