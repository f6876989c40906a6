"""Finding the one database in what is handed in, and refusing what no honest archive holds."""

import io
import struct
import tracemalloc
import zipfile
from datetime import UTC, datetime

import pytest

from exports.sources.upload import open_upload
from psynetdata.psynet.problems import BadInput
from tests.load.uploads import DATA, add, changed, reference, to_folder, to_zip, with_cell, zipped

TABLES = reference()


@pytest.fixture
def opened(tmp_path):
    """opened(path) → the Upload found there, closed again."""
    folder = tmp_path / "private"
    folder.mkdir()

    def find(path):
        with open_upload(path, folder) as upload:
            return upload

    return find


@pytest.fixture
def read(tmp_path):
    """read(path, table) → the table's bytes, through all checks."""
    folder = tmp_path / "private"
    folder.mkdir()

    def whole(path, table="participant"):
        with open_upload(path, folder) as upload, upload.open(table) as stream:
            return stream.read()

    return whole


def refused(call, path) -> str:
    with pytest.raises(BadInput) as caught:
        call(path)
    sentence = caught.value.sentence
    assert sentence.endswith(".")
    assert sentence.isprintable()
    return sentence


# --- where a database may be ---------------------------------------------------------------


def test_a_database_zip(opened):
    upload = opened(DATA / "custom_table_simple" / "database.zip")
    assert set(upload.tables) == set(TABLES)
    assert upload.label == "database.zip"
    assert not upload.anonymous


def test_bytes_come_as_they_are(read, tmp_path):
    assert read(to_zip(tmp_path / "a.zip", TABLES), "coin") == TABLES["coin"]


def test_a_folder_of_tables(read, tmp_path):
    assert read(to_folder(tmp_path / "some", TABLES), "coin") == TABLES["coin"]


def test_an_export_folder_prefers_regular(opened, tmp_path):
    for mode in ("regular", "anonymous"):
        (tmp_path / "export" / mode / "data").mkdir(parents=True)
        (tmp_path / "export" / mode / "data" / "Participant.csv").write_text("id\n1\n")
    to_zip(tmp_path / "export/regular/database.zip", TABLES)
    to_zip(tmp_path / "export/anonymous/database.zip", with_cell(TABLES, "participant", "worker_id", "hidden"))
    upload = opened(tmp_path / "export")
    assert upload.label == "regular/database.zip in export"
    assert not upload.anonymous


def test_an_export_zip_with_only_the_anonymous_part(opened, tmp_path):
    path = to_zip(tmp_path / "export.zip", {}, more={"anonymous/database.zip": zipped(TABLES)})
    assert opened(path).anonymous


def test_the_path_itself_says_anonymous(opened, tmp_path):
    (tmp_path / "anonymous").mkdir()
    path = to_zip(tmp_path / "anonymous/database.zip", TABLES)
    assert opened(path).anonymous
    assert opened(path.parent).anonymous


def test_a_zip_within_a_zip_within_a_zip(read, tmp_path):
    inner = zipped(TABLES)
    middle = zipped({}, more={"regular/data/app-data.zip": inner, "regular/data/Participant.csv": b"id\n1\n"})
    path = to_zip(tmp_path / "dashboard.zip", {}, more={"export.zip": middle, "logs.jsonl": b"{}\n"})
    assert read(path) == TABLES["participant"]


def test_source_code_and_assets_are_not_looked_into(opened, tmp_path):
    other = zipped(reference("timeline"))
    more = {"source_code.zip": b"no zip at all", "regular/assets/database.zip": other}
    assert opened(to_zip(tmp_path / "export.zip", TABLES, prefix="regular/data/", more=more)).label.startswith(
        "regular"
    )


def test_the_same_database_twice_is_one(opened, tmp_path):
    more = {"regular/database.zip": zipped(TABLES), "regular/data/app-data.zip": zipped(TABLES)}
    assert set(opened(to_zip(tmp_path / "export.zip", {}, more=more)).tables) == set(TABLES)


def test_two_different_databases_are_named(opened, tmp_path):
    more = {"one.zip": zipped(TABLES), "two/database.zip": zipped(reference("timeline"))}
    sentence = refused(opened, to_zip(tmp_path / "both.zip", {}, more=more))
    assert "one.zip" in sentence
    assert "two/database.zip" in sentence


def test_two_participant_tables(opened, tmp_path):
    more = {"old/data/participant.csv": TABLES["participant"]}
    assert "two different databases" in refused(opened, to_zip(tmp_path / "a.zip", TABLES, more=more))


def test_a_member_twice(opened, tmp_path):
    path = to_zip(tmp_path / "a.zip", TABLES)
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        add(archive, "data/participant.csv", TABLES["participant"])
    assert "data/participant.csv twice" in refused(opened, path)


def test_tables_among_class_files(opened, tmp_path):
    path = to_zip(tmp_path / "a.zip", TABLES, more={"data/Participant.csv": b"id\n1\n"})
    assert "both data/Participant.csv and data/participant.csv" in refused(opened, path)


@pytest.mark.parametrize("kind", ["zip", "folder", "class files", "empty zip"])
def test_no_database(opened, tmp_path, kind):
    path = {
        "zip": lambda: to_zip(tmp_path / "a.zip", {}, more={"notes.txt": b"hello"}),
        "folder": lambda: tmp_path,
        "class files": lambda: DATA / "static" / "psynet-export" / "regular",
        "empty zip": lambda: to_zip(tmp_path / "a.zip", {}),
    }[kind]()
    assert "holds no PsyNet database: data/participant.csv is missing" in refused(opened, path)


def test_a_database_that_lacks_tables(opened, tmp_path):
    tables = {table: data for table, data in TABLES.items() if table not in ("info", "node")}
    assert "data/info.csv and data/node.csv are missing" in refused(opened, to_zip(tmp_path / "a.zip", tables))


def test_nothing_there(opened, tmp_path):
    assert "nothing at" in refused(opened, tmp_path / "missing.zip")


# --- archives that are not what they claim -------------------------------------------------


def test_no_zip(opened, tmp_path):
    (tmp_path / "a.zip").write_bytes(b"id,name\n1,x\n")
    assert "is not a zip archive" in refused(opened, tmp_path / "a.zip")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_truncated_zip(opened, tmp_path, share):
    data = zipped(TABLES)
    (tmp_path / "a.zip").write_bytes(data[: int(len(data) * share)])
    assert "cut short" in refused(opened, tmp_path / "a.zip")


def test_an_encrypted_zip(read, tmp_path):
    path = to_zip(tmp_path / "a.zip", TABLES)
    _patch(path, "data/participant.csv", flags=1)
    assert "is encrypted" in refused(read, path)


def test_a_checksum_that_does_not_fit(read, tmp_path):
    path = to_zip(tmp_path / "a.zip", TABLES)
    _patch(path, "data/participant.csv", crc=12345)
    assert "is damaged" in refused(read, path)


def test_spoilt_bytes(read, tmp_path):
    path = to_zip(tmp_path / "a.zip", TABLES)
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo("data/participant.csv")
    data = bytearray(path.read_bytes())
    middle = info.header_offset + 60 + info.compress_size // 2
    data[middle : middle + 20] = bytes(byte ^ 0xFF for byte in data[middle : middle + 20])
    path.write_bytes(data)
    assert "is damaged" in refused(read, path)


@pytest.mark.parametrize("lie", [-1, 1, 100_000])
def test_a_lie_about_the_size(read, tmp_path, lie):
    path = to_zip(tmp_path / "a.zip", TABLES)
    _patch(path, "data/participant.csv", size=len(TABLES["participant"]) + lie)
    assert "does not hold the" in refused(read, path)


def test_another_compression(read, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_LZMA) as archive:
        for table, data in TABLES.items():
            archive.writestr(f"data/{table}.csv", data)
    assert "ordinary zip" in refused(read, tmp_path / "a.zip")


@pytest.mark.parametrize(
    "name", ["../data/x.csv", "/etc/data/x.csv", "C:\\data\\x.csv", "data/../../x", "\\\\host\\x", "d:x", "..\\x"]
)
def test_names_that_lead_out(opened, tmp_path, name):
    sentence = refused(opened, to_zip(tmp_path / "a.zip", TABLES, more={name: b"x"}))
    assert name in sentence
    assert "leads out" in sentence


def test_control_characters_of_a_name_are_escaped(opened, tmp_path):
    sentence = refused(opened, to_zip(tmp_path / "a.zip", TABLES, more={"../\x1b[31m\nred": b"x"}))
    assert r"../\x1b[31m\nred" in sentence


def test_a_symbolic_link(opened, tmp_path):
    path = to_zip(tmp_path / "a.zip", TABLES)
    with zipfile.ZipFile(path, "a") as archive:
        add(archive, "regular/link", b"/etc/passwd", create_system=3, external_attr=0o120777 << 16)
    assert "symbolic link regular/link" in refused(opened, path)


# --- bombs ---------------------------------------------------------------------------------


def _claims(tables: dict[str, int]) -> bytes:
    """An archive whose directory claims sizes that its few bytes could never unpack to."""
    buffer = io.BytesIO()
    to_zip(buffer, dict.fromkeys({**TABLES, **tables}, b"id\n" * 50))
    data = bytearray(buffer.getvalue())
    for table, size in tables.items():
        at = data.rindex(f"data/{table}.csv".encode()) - 46
        struct.pack_into("<L", data, at + 24, size)
    return bytes(data)


def test_a_bomb_is_refused_before_it_is_read(read, tmp_path):
    (tmp_path / "bomb.zip").write_bytes(_claims({"participant": 3 << 30}))
    assert "would unpack to 3.0 GiB" in refused(read, tmp_path / "bomb.zip")


def test_a_bomb_in_many_small_parts(opened, tmp_path):
    parts = {f"part_{number}": 900 << 20 for number in range(12)}
    (tmp_path / "bomb.zip").write_bytes(_claims(parts))
    assert "would unpack to 10.5 GiB" in refused(opened, tmp_path / "bomb.zip")


def test_a_bomb_within_a_zip(read, tmp_path):
    path = to_zip(tmp_path / "a.zip", {}, more={"regular/database.zip": _claims({"participant": 3 << 30})})
    assert "would unpack to 3.0 GiB" in refused(read, path)


def test_zeros_are_refused_in_their_first_block(read, tmp_path):
    path = to_zip(tmp_path / "a.zip", {**TABLES, "participant": bytes(100 << 20)})
    tracemalloc.start()
    assert "holds NUL bytes" in refused(read, path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 << 20


def test_nul_in_a_folder(read, tmp_path):
    tables = {**TABLES, "participant": TABLES["participant"] + b"\0"}
    assert "holds NUL bytes" in refused(read, to_folder(tmp_path / "some", tables))


# --- when it was packed --------------------------------------------------------------------


def test_the_newest_date_of_the_tables(opened, tmp_path):
    path = to_zip(tmp_path / "a.zip", TABLES)
    with zipfile.ZipFile(path, "a") as archive:
        add(archive, "data/late.csv", b"id\n", (2026, 11, 22, 10, 30, 0))
        add(archive, "readme.txt", b"", (2030, 1, 1, 0, 0, 0))
    assert opened(path).packed_at == datetime(2026, 11, 22, 10, 30)


def test_no_date(opened, tmp_path):
    assert opened(to_zip(tmp_path / "a.zip", TABLES, date=(1980, 1, 1, 0, 0, 0))).packed_at is None
    assert opened(to_zip(tmp_path / "b.zip", TABLES, date=(2026, 0, 0, 0, 0, 0))).packed_at is None


def test_a_date_that_says_its_zone(opened, tmp_path):
    moment = datetime(2026, 11, 22, 8, 13, 34, tzinfo=UTC)
    extra = struct.pack("<HHBi", 0x5455, 5, 1, int(moment.timestamp()))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for table, data in TABLES.items():
            add(archive, f"data/{table}.csv", data, extra=extra)
    assert opened(tmp_path / "a.zip").packed_at == moment


def test_a_folder_is_as_new_as_its_newest_file(opened, tmp_path):
    found = opened(to_folder(tmp_path / "some", TABLES)).packed_at
    newest = max(path.stat().st_mtime for path in (tmp_path / "some/data").iterdir())
    assert found == datetime.fromtimestamp(newest, UTC)


def test_a_fingerprint_is_of_the_rows(opened, tmp_path):
    first = opened(to_folder(tmp_path / "a", TABLES)).fingerprint()
    assert opened(to_zip(tmp_path / "a.zip", TABLES)).fingerprint() == first
    fewer = opened(to_folder(tmp_path / "b", changed(TABLES, "coin", lambda rows: rows[:-1]))).fingerprint()
    assert {table for table in first if first[table] != fewer[table]} == {"coin"}


def _patch(path, name, *, flags=None, crc=None, size=None):
    """Change what an archive says about a member, in both of the places that say it."""
    data = bytearray(path.read_bytes())
    encoded = name.encode()
    for at, flags_at, crc_at, size_at in (
        (data.index(encoded) - 30, 6, 14, 22),
        (data.rindex(encoded) - 46, 8, 16, 24),
    ):
        if flags is not None:
            struct.pack_into("<H", data, at + flags_at, flags)
        if crc is not None:
            struct.pack_into("<L", data, at + crc_at, crc)
        if size is not None:
            struct.pack_into("<L", data, at + size_at, size)
    path.write_bytes(data)
