"""An asset shows itself, to those who may see it, and nothing in it runs."""

from base64 import b64encode
from datetime import timedelta
from hashlib import sha256

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from exports.assets.background_fetch import KIND
from exports.clearance import file_search
from exports.models import SearchedFile, StoredAsset
from exports.models.asset import file_of as file_of_hash
from psynetdata import jobs
from psynetdata.anonymize.identifiers.identifiers import Identifiers
from psynetdata.models import Asset, Audit, Deployment, KnownIdentifiers, MirroredTable, Participant
from tests.admin.conftest import page_of
from tests.assets.test_asset_files import SAMPLE

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)
STIMULUS, RECORDING, ON_DEMAND = 1, 11, 4


@pytest.fixture
def audio(loaded):
    deployment = loaded("static_audio")
    deployment.assets_url = SAMPLE.as_uri()
    deployment.save()
    jobs.run_here(KIND, deployment=deployment)
    return deployment


def asset(number: int, face: str = "identified") -> Asset:
    return Asset.objects.using(face).get(id=number)


def file_of(number: int, of: int = 0) -> str:
    return f"/admin/psynetdata/asset/{asset(number).key}/file/{of}/"


def body(answer) -> bytes:
    return b"".join(answer.streaming_content)


def test_a_recording_plays_for_those_who_see_identified_data(person, audio):
    client = person("data officer")
    text = client.get(page_of(asset(RECORDING))).content.decode()
    assert f'<audio src="{file_of(RECORDING)}" controls' in text
    answer = client.get(file_of(RECORDING))
    stored = StoredAsset.objects.get(asset_id=RECORDING)
    assert len(body(answer)) == stored.bytes
    assert answer["Content-Type"] == "audio/wav"
    assert answer["Content-Disposition"].startswith('inline; filename="node_4__trial_1__imitation')
    assert client.get(f"{file_of(RECORDING)}?download")["Content-Disposition"].startswith("attachment")
    seen = Audit.objects.filter(target=f"file of asset {RECORDING}", identified=True)
    assert {line.deployment for line in seen} == {audio}
    # One range of it; a player asks often and is on record once, who leaves out the first byte too.
    seen.delete()
    address = file_of(RECORDING)
    client.get(address, HTTP_RANGE="bytes=1-")
    client.get(address, HTTP_RANGE="bytes=10-19")
    assert seen.count() == 1
    seen.update(at=timezone.now() + timedelta(days=1))  # the clock was set back since
    client.get(address, HTTP_RANGE="bytes=10-19")
    assert seen.count() == 2
    whole = body(client.get(address))
    part = client.get(address, HTTP_RANGE="bytes=10-19")
    assert (part.status_code, body(part)) == (206, whole[10:20])
    assert (part["Content-Range"], part["Content-Length"]) == (f"bytes 10-19/{len(whole)}", "10")
    assert body(client.get(address, HTTP_RANGE="bytes=-5")) == whole[-5:]
    assert client.get(address, HTTP_RANGE="bytes=999999999-").status_code == 416


def test_a_participants_recordings_play_on_their_page(person, audio):
    someone = Participant.objects.using("identified").get(id=asset(RECORDING).participant_id)
    text = person("data officer").get(page_of(someone)).content.decode()
    mine = Asset.objects.using("identified").filter(participant_id=someone.id).values_list("id", flat=True)
    assert len(mine) > 5
    assert all(f'<audio src="{file_of(number)}" controls' in text for number in mine)
    assert "<audio" not in person("viewer").get(page_of(someone)).content.decode()


def test_a_stimulus_plays_for_everybody_and_a_recording_does_not(person, audio):
    for client in (person("viewer"), _narrowed(person("data officer"))):
        assert f'<audio src="{file_of(STIMULUS)}"' in client.get(page_of(asset(STIMULUS))).content.decode()
        assert len(body(client.get(file_of(STIMULUS)))) == 12524
        text = client.get(page_of(asset(RECORDING))).content.decode()
        assert "Its file is personal" in text
        assert "<audio" not in text
        assert client.get(file_of(RECORDING)).status_code == 404
    # Where nobody knows what is personal, everything is.
    KnownIdentifiers.objects.using("identified").all().delete()
    assert client.get(file_of(STIMULUS)).status_code == 404


def test_nothing_by_an_address_alone(person, client, audio):
    assert client.get(file_of(STIMULUS)).status_code == 302
    assert person("nobody").get(file_of(STIMULUS)).status_code == 403
    officer = person("data officer")
    for address in (file_of(STIMULUS, 1), file_of(ON_DEMAND), "/admin/psynetdata/asset/1/file/0/"):
        assert officer.get(address).status_code == 404
    assert "not here yet" in officer.get(page_of(asset(ON_DEMAND))).content.decode()
    Deployment.objects.update(assets_url="")
    StoredAsset.objects.filter(asset_id=STIMULUS).update(claim="another")
    assert officer.get(file_of(STIMULUS)).status_code == 404


NAMES = [
    ("a.html", False, "text/html"), ("a.svg", False, "image/svg+xml"), ("a.pdf", False, "application/pdf"),
    ("a.png", True, "image/png"), ("a.txt", True, "text/plain; charset=utf-8"),
    ("a", False, "application/octet-stream"), ("a.mp4", True, "video/mp4"), ('a"\r\nX: y.wav', True, "audio/wav"),
]  # fmt: skip
TAGS = {"image": "<img", "video": "<video", "text": "<pre", "audio": "<audio"}


def test_what_could_run_is_only_handed_out(person, audio):
    client = person("viewer")
    for name, shows, kind in NAMES:
        for face in ("identified", "anonymous"):
            Asset.objects.using(face).filter(id=STIMULUS).update(export_path=f"m/{name}")
        answer = client.get(file_of(STIMULUS))
        assert answer["Content-Type"] == kind
        assert answer["Content-Disposition"].startswith("inline" if shows else "attachment")
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Content-Security-Policy"].startswith("sandbox")
        assert "default-src 'none'" in answer["Content-Security-Policy"]
        assert "X" not in answer.headers
        page = client.get(page_of(asset(STIMULUS))).content.decode()
        shown = [tag for tag in TAGS.values() if f"{tag} " in page.partition("<figure")[2].partition("</figure")[0]]
        assert shown == ([TAGS[kind.partition("/")[0]]] if shows else [])


def test_a_folder_lists_its_files(person, audio):
    row = StoredAsset.objects.get(asset_id=STIMULUS)
    StoredAsset.objects.filter(pk=row.pk).update(inside="one.wav")
    row.pk, row.number, row.inside = None, 1, "more/<b>.wav"
    row.save()
    text = person("viewer").get(page_of(asset(STIMULUS))).content.decode()
    assert "Folder of 2 files" in text
    assert "more/&lt;b&gt;.wav" in text
    assert text.count("<audio") == 2


def put(name: str, content: bytes) -> None:
    """Make this the stimulus's file."""
    digest = sha256(content).hexdigest()
    if not default_storage.exists(file_of_hash(digest)):
        default_storage.save(file_of_hash(digest), ContentFile(content))
    StoredAsset.objects.filter(asset_id=STIMULUS).update(sha256=digest, bytes=len(content))
    for face in ("identified", "anonymous"):
        Asset.objects.using(face).filter(id=STIMULUS).update(export_path=name)


def test_a_file_is_shown_only_after_a_search_found_no_identifier(person, audio):
    someone = Participant.objects.using("identified").exclude(worker_id=None).first().worker_id
    officer, viewer = person("data officer"), person("viewer")
    for name, content, sentence in (
        ("a.json", f'{{"who": ["{someone}"]}}'.encode(), "holds an identifier"),
        ("a.svg", f"<svg><text>{someone.upper()}</text></svg>".encode(), "holds an identifier"),
        ("a.html", f"<p>{b64encode(someone.encode()).decode()}".encode(), "holds an identifier"),
        ("a.zip", b"7z\xbc\xaf\x27\x1c and more", "cannot be searched"),
        ("a.json", b'{"who": ["nobody"]}', ""),
    ):
        put(name, content)
        page = viewer.get(page_of(asset(STIMULUS))).content.decode()
        answer = viewer.get(file_of(STIMULUS))
        if sentence:
            assert (answer.status_code, sentence in answer.content.decode()) == (403, True)
            assert sentence in page
            assert viewer.get(f"{file_of(STIMULUS)}?download", HTTP_RANGE="bytes=0-3").status_code == 403
        else:
            assert body(answer) == content
            assert "nobody" in page
        assert someone not in page
        assert body(officer.get(file_of(STIMULUS))) == content
    assert SearchedFile.objects.count() == 5


def test_a_new_identifier_makes_a_file_searched_again(person, audio):
    put("a.txt", b"Jonathan.Miller sang here")
    client = person("viewer")
    assert client.get(file_of(STIMULUS)).status_code == 200
    known = KnownIdentifiers.objects.using("identified").get()
    later = Identifiers.from_bytes(known.data)
    later.kinds["jonathan.miller"] = "worker_id"
    digest, known.data = known.digest, later.to_bytes()
    known.digest = later.digest
    known.save(using="identified")
    shown = MirroredTable.objects.using("anonymous").get(table="asset")
    MirroredTable.objects.using("anonymous").filter(pk=shown.pk).update(
        transform=shown.transform.replace(digest, known.digest)
    )
    assert client.get(file_of(STIMULUS)).status_code == 403
    assert SearchedFile.objects.get().outcome == "hit"


def test_of_files_too_large_to_be_searched_only_sounds_and_pictures_are_shown(person, audio, monkeypatch):
    monkeypatch.setattr(file_search, "LARGEST", 10)
    client = person("viewer")
    assert client.get(file_of(STIMULUS)).status_code == 200
    put("a.wav", b"no sound at all")
    answer = client.get(file_of(STIMULUS))
    assert (answer.status_code, "too large to be searched" in answer.content.decode()) == (403, True)
    assert not SearchedFile.objects.exists()


def _narrowed(client):
    client.post("/admin/face/", {"face": "anonymous"})
    return client
