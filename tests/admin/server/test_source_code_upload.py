"""Source code that is handed in on the deployment's page."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from exports.models import SourceCode
from psynetdata.models import Audit
from tests.admin.conftest import page_of, sentences
from tests.server.test_source_code import code

pytestmark = pytest.mark.django_db(databases="__all__")


def hand_in(client, deployment, content: bytes | None):
    files = {} if content is None else {"file": SimpleUploadedFile("mine.zip", content)}
    return client.post(page_of(deployment, "source-code"), files, follow=True)


def test_a_data_officer_hands_it_in(person, deployment):
    officer = person("data officer")
    page = officer.get(page_of(deployment, "source-code")).content.decode()
    assert 'enctype="multipart/form-data"' in page
    assert "None is stored yet" in page
    (said,) = sentences(hand_in(officer, deployment, code()))
    row = SourceCode.objects.get(deployment=deployment)
    assert row.sha256 in said
    assert row.basic_data
    assert Audit.objects.get(verb="keep source code").user == officer.user
    assert row.sha256 in officer.get(page_of(deployment, "source-code")).content.decode()


@pytest.mark.parametrize(
    ("content", "sentence"), [(None, "No file was sent"), (b"no zip", "not a zip archive"), (b"", "No file was sent")]
)
def test_what_is_none_is_a_sentence(content, sentence, person, deployment):
    (said,) = sentences(hand_in(person("admin"), deployment, content))
    assert sentence in said
    assert not SourceCode.objects.exists()


def test_others_may_not(person, deployment):
    for group in ("viewer", "analyst"):
        client = person(group)
        assert client.get(page_of(deployment, "source-code")).status_code == 403
        assert hand_in(client, deployment, code()).status_code == 403
    assert not SourceCode.objects.exists()
