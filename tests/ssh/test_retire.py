"""Retiring an app on a lab's server: database, logs and asset files come through its login."""

import pytest

from exports.models import StoredAsset
from exports.server import logs, source_code
from psynetdata.models import Deployment
from tests.restore.test_retire import ASSET, retired
from tests.server.test_source_code import code

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)


def test_all_of_it_comes_through_the_login(lab, typed, tmp_path):
    app = lab.app()
    lab.sql(app, f"DELETE FROM asset; {ASSET}")
    assets, file = lab.home / "psynet-data" / "assets", lab.home / "dallinger" / app / "logs.jsonl"
    for path, content in ((assets / "a.wav", b"sound"), (file, b'{"message": "It began"}\n')):
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
    deployment = lab.add(app)
    path = tmp_path / "source_code.zip"
    path.write_bytes(code())
    source_code.keep(deployment, path)
    status, said, _ = retired(typed, deployment)
    assert status == 0, said
    assert said[1:4] == [
        "Its server's logs were read to their end, 24 bytes.",
        "1 asset files are here; 1 of them were fetched now.",
        "Its source code is here.",
    ]
    assert b"".join(logs.all_of(logs.kept_logs(deployment))) == file.read_bytes()
    assert StoredAsset.objects.get().bytes == 5
    assert Deployment.objects.get().state == "archived"
