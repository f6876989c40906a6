"""Real clients read sheets over real HTTP and get what stands in data/<Class>.csv: R, pandas, polars, curl."""

import io
import os
import shutil
import subprocess
import sys
import time
from urllib.request import urlopen

import pandas as pd
import polars as pl
import pytest

from psynetdata.models import SheetLink
from tests.operations.test_export import exported

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)

R = """
library(httr2)
args <- commandArgs(trailingOnly = TRUE)
linked <- read.csv(args[1])
by_token <- request(args[2]) |> req_headers(Authorization = paste("Token", Sys.getenv("PSYNETDATA_TOKEN"))) |>
  req_perform() |> resp_body_string() |> textConnection() |> read.csv()
stopifnot(identical(linked, by_token))
write.csv(linked, stdout(), row.names = FALSE, na = "")
"""
TEXTS = ["id", "class", "answer", "animal", "text_color", "definition", "creation_time", "trial_maker_id"]
_NO_PROXY = {"no_proxy": "*", "NO_PROXY": "*"}


@pytest.fixture
def r():
    """The command of R with httr2; skipped where it is missing, which in CI is a failure."""
    found = shutil.which("Rscript")
    if found is None or subprocess.run([found, "-e", "library(httr2)"], capture_output=True).returncode:
        missing = "R with httr2 is not installed (Debian: apt-get install r-base-core r-cran-httr2)"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(missing)
    return found


@pytest.fixture
def site(loaded, officer, live_server):
    """(address of the sheet, signed link to it, token, the class file as pandas reads it) of a class with odd texts."""
    deployment = loaded("static")
    _, archives = exported(deployment, anonymize="no", assets="none")
    content = archives["regular"].read("regular/data/AnimalTrial.csv")
    link = SheetLink.issue(officer.token_row.user, deployment=deployment, sheet="AnimalTrial", days=1)
    sheet = f"{live_server.url}/api/basic_data/AnimalTrial/"
    return sheet, f"{live_server.url}/api/link/{link.signed}/", officer.token, pd.read_csv(io.BytesIO(content))


def same(found: pd.DataFrame, wanted: pd.DataFrame) -> bool:
    pd.testing.assert_frame_equal(found[list(wanted)], wanted, check_dtype=False)
    return True


def test_pandas_and_polars(site):
    sheet, link, token, wanted = site
    by_token = {"Authorization": f"Token {token}"}
    assert same(pd.read_csv(f"{sheet}?format=csv", storage_options=by_token), wanted)
    linked = pd.read_csv(f"{link}?format=csv&excel=1")  # pseudonymized
    assert same(linked[TEXTS], wanted[TEXTS])
    # polars itself reads only from servers that tell the length of a file before it.
    with urlopen(f"{link}?format=csv") as answer:
        by_polars = pl.read_csv(answer.read(), infer_schema_length=None)
    assert by_polars["id"].to_list() == wanted["id"].tolist()
    assert by_polars["animal"].to_list() == wanted["animal"].tolist()
    packed = pd.read_parquet(f"{sheet}?format=parquet", storage_options=by_token)
    assert packed["id"].tolist() == wanted["id"].tolist()
    texts = wanted[["answer", "definition", "animal"]].astype(object)
    assert packed[["answer", "definition", "animal"]].astype(object).fillna("").equals(texts.fillna(""))


def test_curl_with_gzip_and_a_token_as_password(site, tmp_path):
    sheet, _, token, wanted = site
    file = tmp_path / "trial.csv"
    command = ["curl", "-sS", "--fail", "--compressed", "-u", f":{token}", "-o", str(file), f"{sheet}?format=csv"]
    subprocess.run(command, check=True, env=os.environ | _NO_PROXY)
    assert same(pd.read_csv(file), wanted)


def test_r_by_link_and_by_token(site, r, tmp_path):
    sheet, link, token, wanted = site
    script = tmp_path / "read.R"
    script.write_text(R)
    command = [r, str(script), f"{link}?format=csv", f"{sheet}?format=csv&face=anonymous"]
    environment = os.environ | _NO_PROXY | {"PSYNETDATA_TOKEN": token}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = pd.read_csv(io.StringIO(done.stdout)).rename(columns=lambda name: name.removeprefix("X"))
    assert found[TEXTS].equals(wanted[TEXTS])


BROKEN = """
from contextlib import ExitStack
from psynetdata.api.response import Body

def blocks():
    yield b"id\\n" + b"1\\n" * 1000
    raise ValueError("a row")

def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/csv")])
    return Body(blocks(), ExitStack())
"""


def test_a_stream_that_breaks_off_is_an_error_for_the_client(tmp_path):
    (tmp_path / "broken.py").write_text(BROKEN)
    bind = f"unix:{tmp_path / 'socket'}"
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "broken",
        "--bind",
        bind,
        "--worker-class",
        "gthread",
        "--threads",
        "2",
    ]
    environment = os.environ | {
        "PYTHONPATH": f"{tmp_path}:{os.getcwd()}",
        "DJANGO_SETTINGS_MODULE": "psynetdata.settings",
    }
    server = subprocess.Popen([*command, "--no-control-socket"], env=environment, stderr=subprocess.PIPE, text=True)
    try:
        for _ in range(300):
            if (tmp_path / "socket").exists():
                break
            time.sleep(0.05)
        call = ["curl", "-sS", "--unix-socket", str(tmp_path / "socket"), "http://desk/"]
        done = subprocess.run(call, capture_output=True, text=True)
    finally:
        server.terminate()
        log = server.communicate()[1]
    assert done.returncode in (18, 56), done  # curl: a partial file, or a connection that was reset
    assert "a row" not in log
