"""A sheet of a class has the columns and the values of its class file, on either face, whatever the format."""

import io
from pathlib import PurePosixPath

import pytest

from psynetdata.faces import ANONYMOUS, IDENTIFIED, reading
from psynetdata.psynet import csvtext
from psynetdata.psynet.classfile import computed_columns
from psynetdata.sheets import Catalogue
from psynetdata.sheets.output import text_blocks
from tests.operations.test_export import exported

pytestmark = [pytest.mark.django_db(databases="__all__", transaction=True), pytest.mark.each_database]

FACES = {"regular": IDENTIFIED, "anonymous": ANONYMOUS}
JOINED = {"is_bot", "participant_worker_id", "node_definition"}


def parsed(content: bytes) -> tuple[list, list]:
    header, *rows = csvtext.rows(csvtext.records(io.BytesIO(content)))
    return header, rows


@pytest.mark.parametrize("name", ["static", "static_audio", "timeline", "custom_table_simple"])
def test_every_class_file_and_its_sheet_are_the_same(loaded, name):
    deployment = loaded(name)
    _, archives = exported(deployment, anonymize="both", assets="none")
    compared = set()
    for mode, archive in archives.items():
        catalogue = Catalogue(deployment, FACES[mode])
        for member in archive.namelist():
            path = PurePosixPath(member)
            if path.parent.name != "data" or path.stem == "Request":  # web traffic is not mirrored
                continue
            header, rows = parsed(archive.read(member))
            with reading(FACES[mode]):
                sheet = catalogue.sheet(path.stem)
                assert set(sheet.header) - set(header) <= JOINED
                ours, found = parsed(b"".join(text_blocks.csv(sheet.header, sheet.records())))
            # What PsyNet computes from other rows stands in exports only: a sheet is read row by row.
            there = [
                place for place, column in enumerate(header) if column in ours or column not in computed_columns.NAMES
            ]
            places = [ours.index(header[place]) for place in there]
            rows = [[row[place] for place in there] for row in rows]
            assert [[row[place] for place in places] for row in found] == rows, member
            compared.add(path.stem)
    assert {"Participant", "Bot"} <= compared
