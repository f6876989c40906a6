"""Guessing passwords is slow: after some failures in a row, each further one doubles the pause before the next try.

Failures are counted in the database, for the account's name and for the client's address, whether or not the account
exists. During a pause no password is checked, not even the right one.
"""

import ipaddress
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac

from .models import Audit, SignInFailures

# Failures without a pause. Many people can share one address.
ACCOUNT_FREE, ADDRESS_FREE = 5, 20
LONGEST_PAUSE = 900  # seconds
FORGOTTEN_AFTER = timedelta(days=1)


class TooManyFailures(Exception):
    def __init__(self, seconds: int):
        super().__init__(f"Signing in failed too often; try again in {_in_words(seconds)}.")


def count_attempt(request: HttpRequest, name: str) -> None:
    """Count an attempt as a failure before its password is checked, so that parallel attempts are not free.

    Raises TooManyFailures during a pause.
    """
    now = timezone.now()
    subjects = _subjects(request, name)
    with transaction.atomic():
        SignInFailures.objects.filter(last_at__lt=now - FORGOTTEN_AFTER).delete()
        for subject in sorted(subjects):  # in the same order everywhere, so that no two attempts wait for each other
            SignInFailures.objects.get_or_create(subject=subject, defaults={"last_at": now})
        rows = SignInFailures.objects.select_for_update().filter(subject__in=subjects).order_by("subject")
        wait = max((_ends(row, subjects[row.subject]) - now).total_seconds() for row in rows)
        if wait <= 0:
            SignInFailures.objects.filter(subject__in=subjects).update(count=F("count") + 1, last_at=now)
    if wait > 0:
        raise TooManyFailures(round(wait + 0.5))


def record_success(request: HttpRequest, name: str) -> None:
    """Forget the account's failures, and the one that was counted for the address."""
    account, address = _subjects(request, name)
    SignInFailures.objects.filter(subject=account).delete()
    SignInFailures.objects.filter(subject=address, count__gt=0).update(count=F("count") - 1)


def record_failure(request: HttpRequest, name: str) -> None:
    """Write the failure into the audit log. A name that is not an account's may be a password, and is left out."""
    user = User.objects.filter(username=name).first()
    account, _ = _subjects(request, name)
    failures = SignInFailures.objects.filter(subject=account).values_list("count", flat=True).first() or 0
    pause = _pause(failures, ACCOUNT_FREE)
    Audit.record(
        "sign-in failed",
        username=user.get_username() if user else "unknown account",
        target=f"user {user}"[:200] if user else "",
        address=client_address(request),
        failures=failures,
        **({"pause_seconds": pause} if pause else {}),
    )


def client_address(request: HttpRequest) -> str:
    """Return the client's IP address; behind the proxy that BEHIND_HTTPS trusts, the one that the proxy added last."""
    address = request.META.get("REMOTE_ADDR", "")
    if settings.BEHIND_HTTPS:
        address = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip() or address
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return ""


def _subjects(request: HttpRequest, name: str) -> dict[str, int]:
    """Return {hash: failures without a pause} of the account and the address, in this order."""
    address = client_address(request)
    if ":" in address:  # a household or office has a whole network of these
        address = str(ipaddress.ip_network(f"{address.partition('%')[0]}/64", strict=False))
    subjects = ((f"account {name.casefold()}", ACCOUNT_FREE), (f"address {address}", ADDRESS_FREE))
    return {salted_hmac(__name__, text, algorithm="sha256").hexdigest(): free for text, free in subjects}


def _ends(row: SignInFailures, free: int):
    return row.last_at + timedelta(seconds=_pause(row.count, free))


def _pause(failures: int, free: int) -> int:
    """Return the seconds to wait after so many failures in a row: 1, 2, 4, … up to a quarter of an hour."""
    return 0 if failures < free else min(2 ** min(failures - free, 20), LONGEST_PAUSE)


def _in_words(seconds: int) -> str:
    if seconds < 90:
        return "1 second" if seconds == 1 else f"{seconds} seconds"
    return f"{-(-seconds // 60)} minutes"
