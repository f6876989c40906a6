"""Whoever may not see identified data finds no identifier in any byte of any page or answer of the API."""

import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import parse_qs, quote, unquote, urlsplit

import pytest

from psynetdata.faces import reading
from psynetdata.models import Asset, Deployment, Record
from psynetdata.sheets import Catalogue
from tests.admin.access.hidden_deployment import MIRRORED
from tests.admin.access.planted_site import PLACES, STIMULUS, files, identifier, plant

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)
NUMBER = re.compile(r"\d+")
LINK = re.compile(r'(?:href|src|url)="([^"#]+)"')
# All identifiers are worker ids too.
OF_PARTICIPANTS = re.compile(r"(participant|Bot)/(\?|$)")
# Nobody sees these on the desk: they are in files that are not shown, or in a table that is not mirrored.
UNSEEN = {"request"}


def test_no_identifier_in_any_byte_without_the_right_to_see_it(person, tmp_path):
    deployment = plant(tmp_path)
    analyst, officer = person("analyst"), person("data officer")
    first = list(first_addresses(deployment, "anonymous"))
    waiting, kinds, leaks = list(first), {kind_of(address) for address in first}, set()
    for address in waiting:  # it grows
        text = text_of(analyst, address)
        leaks |= {(place, address) for place in PLACES if identifier(place) in text}
        for link in links_of(address, text):
            if kind_of(link) not in kinds:
                kinds.add(kind_of(link))
                waiting.append(link)
    assert leaks == set()
    assert len(waiting) > 150
    # Each place is one that somebody with the right can see; otherwise nothing could be found above.
    others = [one for one in first_addresses(deployment, "identified") if not OF_PARTICIPANTS.search(one)]
    seen = "".join(text_of(officer, address) for address in others)
    assert {place for place in PLACES if identifier(place) not in seen} == UNSEEN


def first_addresses(deployment: Deployment, face: str) -> Iterator[str]:
    """Yield addresses of everything that the deployment has; of its rows those with something planted."""
    (snapshot,) = deployment.snapshots.all()
    yield from ("/admin/", "/api/schema/", "/api/deployments/", "/api/exports/", "/metrics")
    yield from (
        f"/admin/psynetdata/deployment/{deployment.pk}/{page}/" for page in ("change", "export", "logs", "policy")
    )
    yield from (f"/api/deployments/{deployment.pk}/{more}" for more in ("", "undecided/", "decisions/"))
    yield from (f"/admin/exports/snapshot/{snapshot.pk}/{page}/" for page in ("change", "changed"))
    yield from (f"/api/snapshots/{snapshot.pk}/", f"/api/snapshots/{snapshot.pk}/diff/{snapshot.pk}/")
    for model in MIRRORED:
        lists = f"/admin/psynetdata/{model._meta.model_name}/"
        yield lists
        tables = Record.objects.using(face).order_by("table").values_list("table", flat=True).distinct()
        for table in tables if model is Record else [None]:
            of_table = {"table": table} if table else {}
            row = model.objects.using(face).filter(**of_table).order_by("id").first()
            yield f"{lists}{row.pk}/change/"
    asset = Asset.objects.using(face).get(id=STIMULUS)
    yield from (f"/admin/psynetdata/asset/{asset.pk}/file/{number}/" for number in range(len(files())))
    with reading(face):
        names = Catalogue(deployment, face).names()
    for name in names:
        yield f"/admin/psynetdata/deployment/{deployment.pk}/sheets/{quote(name, safe='')}/"
        yield f"/api/basic_data/{quote(name, safe='')}/?format=csv"
    own = next(name for name in names if name.startswith("diary"))
    asked = ("1/", "?nosuch=1", f"?snapshot={snapshot.pk}", f"?since={snapshot.pk}")
    yield from (f"/api/basic_data/{quote(own)}/{one}" for one in asked)
    yield from ("/api/basic_data/nosuch/", "/api/basic_data/trial/?order=nosuch", "/api/basic_data/?format=ndjson")
    yield from (f"/api/basic_data/trial/?snapshot={snapshot.pk}", "/api/basic_data/?sheet=nosuch")


def kind_of(address: str) -> str:
    """Return the same for addresses of the same kind of page."""
    parts = urlsplit(address)
    return NUMBER.sub("0", parts.path) + "?" + " ".join(sorted(parse_qs(parts.query)))


def text_of(client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code < 500, address
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return unquote(unescape(body.decode("utf-8", "replace") + str(answer.headers)))


def links_of(address: str, text: str) -> Iterator[str]:
    for link in LINK.findall(text):
        link = f"{urlsplit(address).path}{link}" if link.startswith("?") else link
        asked = parse_qs(urlsplit(link).query).keys()
        again = len(asked) > 1 or asked & {
            "o",
            "p",
            "_changelist_filters",
        }  # a list in another order, or with two filters
        if link.startswith(("/admin/", "/api/")) and "logout" not in link and not again:
            yield link
