"""What each group may do, as the migrations make it."""

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, Permission, User
from django.db import connections

from tests.admin.conftest import make_groups

DATA = {"deployment", "participant", "trial", "asset", "node", "network", "response", "record", "job", "savedsheet"}
VIEWER = {f"psynetdata.view_{name}" for name in DATA} | {
    f"exports.view_{name}" for name in ("snapshot", "export", "exportarchive", "incident")
}
ANALYST = VIEWER | {"exports.export_anonymous", "psynetdata.add_apitoken", "psynetdata.view_apitoken"}
ANALYST |= {"psynetdata.add_sheetlink", "psynetdata.view_sheetlink"}
OFFICER = ANALYST | {"psynetdata.view_identified", "exports.export_regular", "psynetdata.view_audit"}
OFFICER |= {"psynetdata.decide_policy", "psynetdata.hold_keys", "exports.withdraw", "exports.view_withdrawal"}
OFFICER |= {f"psynetdata.{verb}_savedsheet" for verb in ("add", "change", "delete")}


def rights_of(group: str) -> set[str]:
    user = User.objects.create_user(f"someone of {group}")
    user.groups.add(Group.objects.get(name=group))
    return user.get_all_permissions()


@pytest.mark.django_db
@pytest.mark.parametrize(("group", "rights"), [("viewer", VIEWER), ("analyst", ANALYST), ("data officer", OFFICER)])
def test_group_has_exactly_these_rights(group, rights):
    assert rights_of(group) == rights


@pytest.mark.django_db
def test_admin_has_every_right_of_both_apps_and_of_accounts():
    wanted = Permission.objects.filter(content_type__app_label__in=("psynetdata", "exports"))
    accounts = {f"auth.{verb}_{what}" for verb in ("add", "change", "delete", "view") for what in ("user", "group")}
    assert rights_of("admin") == {f"{p.content_type.app_label}.{p.codename}" for p in wanted} | accounts


@pytest.mark.django_db
def test_running_it_again_adds_nothing_and_takes_nothing_away():
    extra = Permission.objects.get(codename="view_session")
    Group.objects.get(name="viewer").permissions.add(extra)
    before = {group.name: set(group.permissions.all()) for group in Group.objects.all()}
    make_groups()
    assert {group.name: set(group.permissions.all()) for group in Group.objects.all()} == before


@pytest.mark.django_db(databases="__all__")
@pytest.mark.parametrize("face", settings.FACES)
def test_the_faces_hold_no_accounts(face):
    assert "auth_group" not in connections[face].introspection.table_names() or settings.DATABASE_URL
