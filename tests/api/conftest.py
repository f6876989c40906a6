import pytest


@pytest.fixture
def person(transactional_db):
    """person(*codenames) → a new user who may see deployments, with just these permissions besides."""
    from django.contrib.auth import get_user_model
    from django.contrib.auth.models import Permission

    def make(*codenames: str, name: str = ""):
        users = get_user_model().objects
        user = users.create_user(name or f"person{users.count()}")
        wanted = {"view_deployment", *codenames}
        found = list(Permission.objects.filter(codename__in=wanted))
        assert len(found) == len(wanted)
        user.user_permissions.add(*found)
        return user

    return make


@pytest.fixture
def client_of():
    """client_of(user, identified=…, deployments=[…]) → a client with a new token of the user's."""
    from rest_framework.test import APIClient

    from psynetdata.models import ApiToken

    def make(user, **options):
        row, token = ApiToken.issue(user, **options)
        client = APIClient(HTTP_AUTHORIZATION=f"Token {token}")
        client.token, client.token_row = token, row
        return client

    return make


@pytest.fixture
def analyst(person, client_of):
    """A client without the right to identified data."""
    return client_of(person("export_anonymous", name="analyst"))


@pytest.fixture
def officer(person, client_of):
    """A client with the right to identified data and to every export."""
    user = person("view_identified", "export_anonymous", "export_regular", name="officer")
    return client_of(user, identified=True)


@pytest.fixture(autouse=True)
def no_stream_is_left_open(settings):
    """A test that fails before it has read a streamed answer must not spoil the next one's connection."""
    from django.db import connections

    yield
    for face in settings.FACES:
        connections[face].close()
