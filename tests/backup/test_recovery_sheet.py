"""The sheet that is kept on paper, and the reminder until it is."""

import pytest
from cryptography.fernet import Fernet
from django.contrib.auth import get_user_model
from django.core.files.storage import default_storage
from django.urls import reverse

from exports.backup.recovery_sheet import is_confirmed
from psynetdata.env import local_storage, sealed
from psynetdata.models import Audit

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)


@pytest.fixture
def administrator(client):
    client.force_login(get_user_model().objects.create_superuser("ada"))
    return client


def test_it_says_where_everything_is_and_no_secret(typed, settings, own_storage):
    settings.BACKUP_PASSPHRASE = "very secret words"
    status, out, _ = typed("recovery-sheet")
    assert status == 0
    for text in (str(settings.DATA_DIR / "master_key"), str(own_storage), "restore-desk", "manage.py backup --to"):
        assert text in out
    assert not {word for word in (settings.SECRET_KEY, "very secret words") if word in out}


def test_it_names_the_key_of_an_encrypted_storage_by_its_id(typed, settings, own_storage):
    key = Fernet.generate_key().decode()
    settings.STORAGES = {**settings.STORAGES, "default": sealed(local_storage(own_storage), [key])}
    out = typed("recovery-sheet")[1]
    assert f"Storage key: the variable STORAGE_KEY, key {default_storage.keys[0].id};" in out
    assert (str(own_storage) in out, key in out) == (True, False)


def test_the_first_page_reminds_until_somebody_confirms(administrator):
    page = administrator.get(reverse("admin:index")).content.decode()
    assert reverse("recovery") in page
    assert "Installation:" in administrator.get(reverse("recovery")).content.decode()
    administrator.post(reverse("recovery"))
    assert is_confirmed()
    assert reverse("recovery") not in administrator.get(reverse("admin:index")).content.decode()
    assert Audit.objects.get(verb="confirm recovery sheet").username == "ada"


def test_confirmed_at_the_command_line(typed):
    assert typed("recovery-sheet", "--confirm")[0] == 0
    assert is_confirmed()


def test_only_administrators_see_it(client):
    client.force_login(get_user_model().objects.create_user("bob", is_staff=True))
    assert client.get(reverse("recovery")).status_code == 403
    assert client.post(reverse("recovery")).status_code == 403
    assert not is_confirmed()
