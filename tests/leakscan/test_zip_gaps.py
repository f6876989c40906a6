"""Which bytes of a zip belong to no member."""

import io
import zipfile

from exports.leakscan.archive.zip_gaps import gaps, member_spans


def test_a_long_name_and_a_long_extra_field_belong_to_no_member():
    content = b"clean" * 200
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        info = zipfile.ZipInfo("a" * 300)
        info.extra = b"\x99\x99" + (600).to_bytes(2, "little") + bytes(600)
        archive.writestr(info, content)
        members = archive.infolist()
    start = made.getvalue().find(content)
    assert gaps(made, member_spans(made, members)) == [(0, start), (start + len(content), len(made.getvalue()))]
