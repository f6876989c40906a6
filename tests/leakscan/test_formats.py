"""Whatever a file's format: an identifier in it is found, or the file is refused, or it is listed as not searched."""

import pytest

from exports.leakscan.scan import scan

from .planted_formats import FOUND, ID, NOT_SEARCHED, REFUSED
from .samples import needles, zipped

WORKER = {"worker_id": ID}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory) -> dict[str, set[str]]:
    """{name: found, refused, listed} of all files, searched in one archive."""
    files = FOUND | REFUSED | NOT_SEARCHED
    path = tmp_path_factory.mktemp("formats") / "export.zip"
    path.write_bytes(zipped({f"{number}/{name}": content for number, (name, content) in enumerate(files.items())}))
    report = scan(path, needles(**WORKER), processes=1)
    seen: dict[str, set[str]] = {name: set() for name in files}
    names = list(files)
    for finding in report.findings:
        kind = "refused" if finding.kind == "unreadable" else "found"
        seen[names[int(finding.member.split("/")[1])]].add(kind)
    for entry in report.not_searched["files"]:
        seen[names[int(entry["member"].split("/")[1])]].add("listed")
    return seen


@pytest.mark.parametrize("name", FOUND)
def test_it_is_found(outcomes, name):
    assert "found" in outcomes[name]


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused(outcomes, name):
    assert outcomes[name] == {"refused"}


@pytest.mark.parametrize("name", NOT_SEARCHED)
def test_it_is_listed(outcomes, name):
    assert outcomes[name] == {"listed"}
