"""Guessing passwords: pauses that grow, per account and per address, each failure on record."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from psynetdata import sign_in_limit
from psynetdata.models import Audit, SignInFailures

pytestmark = pytest.mark.django_db(databases="__all__")
PASSWORD = "four-words-in-a-row"


@pytest.fixture(autouse=True)
def quick_hashes(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def account(person):
    user = person("viewer").user
    user.set_password(PASSWORD)
    user.save()
    return user


def try_in(name: str, password: str, *, address: str = "192.0.2.1", **headers):
    return Client(REMOTE_ADDR=address, **headers).post("/admin/login/", {"username": name, "password": password})


def fail(name: str, times: int, **how) -> None:
    for number in range(times):
        assert "too often" not in try_in(name, f"guess {number}", **how).content.decode()


def pause_of(answer) -> str:
    return answer.context["form"].non_field_errors()[0].partition("try again in ")[2]


def let_pass(seconds: float) -> None:
    for row in SignInFailures.objects.all():
        row.last_at -= timedelta(seconds=seconds)
        row.save()


def test_an_account_pauses_for_longer_after_each_failure(account):
    fail(account.username, sign_in_limit.ACCOUNT_FREE)
    # Not even the right password is looked at, from wherever it comes, and however the name is written.
    assert pause_of(try_in(account.username, PASSWORD)) == "1 second."
    assert pause_of(try_in(account.username.upper(), PASSWORD, address="192.0.2.2")) == "1 second."
    for pause in ("2 seconds.", "4 seconds.", "8 seconds."):
        let_pass(60)
        fail(account.username, 1)
        assert pause_of(try_in(account.username, PASSWORD)) == pause
    SignInFailures.objects.update(count=40)
    assert pause_of(try_in(account.username, PASSWORD)) == "15 minutes."
    let_pass(sign_in_limit.LONGEST_PAUSE)
    assert try_in(account.username, PASSWORD).status_code == 302
    # Counted from zero again.
    fail(account.username, sign_in_limit.ACCOUNT_FREE, address="192.0.2.3")


def test_a_name_without_an_account_pauses_too(account):
    fail("nobody", sign_in_limit.ACCOUNT_FREE)
    assert pause_of(try_in("nobody", "x")) == "1 second."
    assert try_in(account.username, PASSWORD).status_code == 302


def test_an_address_pauses_whatever_the_names(account):
    for number in range(sign_in_limit.ADDRESS_FREE):
        fail(f"name {number}", 1)
    assert pause_of(try_in(account.username, PASSWORD)) == "1 second."
    assert try_in(account.username, PASSWORD, address="192.0.2.2").status_code == 302


def test_signing_in_does_not_wipe_the_address(account):
    for number in range(sign_in_limit.ADDRESS_FREE - 1):
        fail(f"name {number}", 1)
    assert try_in(account.username, PASSWORD).status_code == 302
    fail("another", 1)
    assert pause_of(try_in("yet another", "x")) == "1 second."


@pytest.mark.parametrize(
    ("behind", "first", "second", "shared"),
    [
        (True, "203.0.113.1", "203.0.113.2", False),
        (True, "spoofed, 203.0.113.1", "other, 203.0.113.1", True),
        (True, "2001:db8::1", "2001:db8::2", True),
        (False, "203.0.113.1", "203.0.113.2", True),
    ],
)
def test_the_address_is_the_one_that_the_proxy_saw(db, settings, behind, first, second, shared):
    settings.BEHIND_HTTPS = behind
    for number in range(sign_in_limit.ADDRESS_FREE):
        fail(f"name {number}", 1, HTTP_X_FORWARDED_FOR=first)
    again = try_in("name", "x", HTTP_X_FORWARDED_FOR=second).content.decode()
    assert ("too often" in again) == shared


def test_failures_are_on_record_without_what_was_typed(account):
    fail("a-password-typed-as-a-name", 1)
    fail(account.username, sign_in_limit.ACCOUNT_FREE)
    try_in(account.username, PASSWORD)
    lines = list(Audit.objects.filter(verb="sign-in failed").order_by("id"))
    assert [line.username for line in lines] == ["unknown account"] + [account.username] * 5
    assert lines[0].details == {"address": "192.0.2.1", "failures": 1}
    assert lines[-1].details == {"address": "192.0.2.1", "failures": 5, "pause_seconds": 1}
    stored = repr([(line.target, line.details) for line in lines]) + repr(list(SignInFailures.objects.values()))
    assert "typed" not in stored
    assert "guess" not in stored


def test_failures_are_forgotten_after_a_day(account):
    fail("nobody", 3)
    SignInFailures.objects.update(last_at=timezone.now() - timedelta(days=2))
    assert try_in(account.username, PASSWORD).status_code == 302
    assert SignInFailures.objects.count() == 1  # of the address


def test_the_old_password_cannot_be_guessed_in_an_open_session(account):
    client = Client(REMOTE_ADDR="192.0.2.9")
    client.force_login(account)
    new = {"new_password1": "another-four-words", "new_password2": "another-four-words"}

    def change(old: str):
        return client.post("/admin/password_change/", new | {"old_password": old})

    for number in range(sign_in_limit.ACCOUNT_FREE):
        assert "entered incorrectly" in change(f"guess {number}").content.decode()
    assert "failed too often; try again in 1 second" in change(PASSWORD).content.decode()
    assert pause_of(try_in(account.username, PASSWORD)) == "1 second."
    assert Audit.objects.filter(verb="sign-in failed").count() == sign_in_limit.ACCOUNT_FREE
    let_pass(60)
    assert change(PASSWORD).url == "/admin/password_change/done/"
    assert not SignInFailures.objects.filter(count__gt=0).exclude(count=sign_in_limit.ACCOUNT_FREE).exists()
    account.refresh_from_db()
    assert account.check_password("another-four-words")


def test_a_password_of_digits_is_refused(account):
    with pytest.raises(ValidationError, match="entirely numeric"):
        validate_password("8273645109482736", User())
    validate_password(PASSWORD, account)
