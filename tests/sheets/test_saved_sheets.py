"""Sheets that staff put together: columns, paths, names, filters and order of another sheet."""

import pytest

from psynetdata.faces import ANONYMOUS, reading
from psynetdata.models import SavedSheet
from psynetdata.psynet.problems import UsageError
from psynetdata.sheets import Catalogue, UnknownSheet
from psynetdata.sheets.output import text_blocks

pytestmark = [pytest.mark.django_db(databases="__all__", transaction=True), pytest.mark.each_database]


def save(deployment, **told):
    columns = [
        ["trial", "id"],
        ["animal", "definition.animal"],
        ["person", "participant_worker_id"],
        ["said", "answer"],
    ]
    made = {"name": "dogs", "base": "trial", "columns": columns, "filters": {"animal": ["dogs"]}, "order": ["-id"]}
    return SavedSheet.objects.create(deployment=deployment, **{**made, **told})


def test_it_has_its_columns_rows_and_order_and_no_more(loaded):
    deployment = loaded("static")
    save(deployment)
    catalogue = Catalogue(deployment, ANONYMOUS)
    with reading(ANONYMOUS):
        trials = [row for row in catalogue.sheet("trial").rows() if row["animal"] == "dogs"]
        sheet = catalogue.sheet("dogs")
        assert sheet.header == ["trial", "animal", "person", "said"]
        wanted = [
            {"trial": row["id"], "animal": "dogs", "person": row["participant_worker_id"], "said": row["answer"]}
            for row in reversed(trials)
        ]
        assert list(sheet.rows()) == wanted != []
        assert sheet.total() == len(wanted)
        page, cursor = sheet.page(None, 3)
        assert page + sheet.page(cursor, 1000)[0] == wanted
        some = catalogue.sheet("dogs", filters={"trial__gt": ["20"], "said__isnull": ["false"]}, fields=["trial"])
        assert list(some.rows()) == [{"trial": row["trial"]} for row in wanted if row["trial"] > 20 and row["said"]]
        assert b"".join(text_blocks.csv(some.header, some.records())).startswith(b"trial\n")
        for hidden in ({"filters": {"id": ["3"]}}, {"fields": ["definition"]}, {"order": ["creation_time"]}):
            with pytest.raises(UsageError):
                catalogue.sheet("dogs", **hidden)
    assert "dogs" in catalogue.names()


def test_what_does_not_fit_the_data_is_a_sentence(loaded):
    deployment = loaded("static")
    catalogue = Catalogue(deployment, ANONYMOUS)
    bad = [
        ({"columns": [["x", "colour"]]}, UsageError),
        ({"columns": [["x", "id.y"]]}, UsageError),
        ({"columns": [["x", "definition..y"]]}, UsageError),
        ({"columns": [["ip", "client_ip_address"]], "base": "participant", "filters": {}}, UsageError),
        ({"base": "nothing"}, UnknownSheet),
        ({"order": ["colour"]}, UsageError),
        ({"filters": {"id__near": ["3"]}}, UsageError),
    ]
    for number, (told, error) in enumerate(bad):
        made = save(deployment, name=f"bad{number}", **told)
        with reading(ANONYMOUS), pytest.raises(error):
            catalogue.assemble(made)
