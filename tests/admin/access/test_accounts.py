"""Accounts and groups, and the way up that is closed."""

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.urls import reverse

from psynetdata.models import Audit

pytestmark = pytest.mark.django_db(databases="__all__")


def change(client, user, **fields):
    data = {"username": user.username, "is_active": "on", "is_staff": "on", "last_login_0": "", "last_login_1": "",
            "date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"} | fields  # fmt: skip
    return client.post(f"/admin/auth/user/{user.pk}/change/", data)


def test_an_admin_makes_accounts_and_gives_groups(person):
    client = person("admin")
    client.post("/admin/auth/user/add/", {
        "username": "new", "password1": "four-words-in-a-row", "password2": "four-words-in-a-row",
        "usable_password": "true",
    })  # fmt: skip
    made = User.objects.get(username="new")
    change(client, made, groups=[Group.objects.get(name="analyst").pk])
    made = User.objects.get(pk=made.pk)
    assert made.has_perm("exports.export_anonymous")
    assert not made.has_perm("exports.export_regular")


def test_an_admin_who_is_no_superuser_cannot_make_one(person):
    client = person("admin")
    change(
        client, client.user, is_superuser="on", user_permissions=[Permission.objects.get(codename="view_session").pk]
    )
    client.user.refresh_from_db()
    assert not client.user.is_superuser
    assert not client.user.user_permissions.exists()


def test_nor_touch_one(person):
    boss = person("superuser").user
    client = person("admin")
    assert change(client, boss, username="mine").status_code == 403
    assert client.post(f"/admin/auth/user/{boss.pk}/delete/", {"post": "yes"}).status_code == 403
    password = {"password1": "four-words-in-a-row", "password2": "four-words-in-a-row"}
    assert client.post(f"/admin/auth/user/{boss.pk}/password/", password).status_code == 403
    boss.refresh_from_db()
    assert not boss.has_usable_password()


def test_nor_delete_one_from_the_list(person):
    boss = person("superuser").user
    person("admin").post("/admin/auth/user/", {
        "action": "delete_selected", "_selected_action": [boss.pk], "post": "yes",
    })  # fmt: skip
    assert User.objects.filter(pk=boss.pk).exists()


@pytest.mark.parametrize("group", ["viewer", "analyst", "data officer"])
def test_others_see_no_accounts(person, group):
    assert person(group).get("/admin/auth/user/").status_code == 403


def test_who_is_no_staff_does_not_come_in(person):
    client = person("admin")
    User.objects.filter(pk=client.user.pk).update(is_staff=False)
    assert client.get("/admin/").url.startswith(reverse("admin:login"))


def test_the_forms_are_unfolds(person):
    page = person("superuser").get("/admin/auth/user/add/").content.decode()
    assert "border-base-200" in page.split('name="username"')[1].split(">")[0] + page.split('name="username"')[0][-600:]


def test_who_gets_which_rights_is_on_record(person):
    client, other = person("admin"), person("viewer").user
    change(client, other, groups=[Group.objects.get(name="data officer").pk])
    client.post(f"/admin/auth/user/{other.pk}/delete/", {"post": "yes"})
    changed, removed = Audit.objects.order_by("id")
    assert (changed.verb, changed.user, changed.target) == ("change", client.user, f"user {other.username}")
    assert changed.details == {"groups": ["data officer"], "flags": ["is_active", "is_staff"]}
    assert (removed.verb, removed.target) == ("remove", f"user {other.username}")


def test_nobody_edits_the_audit_log_superusers_neither(person):
    client = person("superuser")
    line = Audit.record("export", target="export 1")
    at = f"/admin/psynetdata/audit/{line.pk}"
    assert client.get(f"{at}/change/").status_code == 200
    for address in (f"{at}/change/", f"{at}/delete/", "/admin/psynetdata/audit/add/"):
        assert client.post(address, {"verb": "nothing", "post": "yes"}).status_code == 403, address
    chosen = {"action": "delete_selected", "_selected_action": [line.pk], "post": "yes"}
    client.post("/admin/psynetdata/audit/", chosen)
    # What a line is of can go; the line stays and says whose it was.
    client.post(f"/admin/auth/user/{person('viewer').user.pk}/delete/", {"post": "yes"})
    line.refresh_from_db()
    assert (line.verb, line.target) == ("export", "export 1")
