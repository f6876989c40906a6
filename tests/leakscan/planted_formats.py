"""Files of many formats that hold a worker's id, each made by hand or with the standard library: {name: bytes}.

A name may hold a note after a space, because several files have the same format.
"""

import base64
import binascii
import bz2
import gzip
import io
import json
import lzma
import pickle
import quopri
import random
import sqlite3
import struct
import tarfile
import wave
import zipfile
import zlib

import pyarrow
from pyarrow import parquet

from .samples import zipped

ID = "149d439536b3216fdaeeb975"
LEAK = ID.encode()
TEXT = f"Thank you, {ID}, that was all.\n".encode()
NOISE = random.Random(5).randbytes(6000)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(*chunks: bytes) -> bytes:
    head = _chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0))
    pixels = _chunk(b"IDAT", zlib.compress(bytes(72)))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + pixels + _chunk(b"IEND", b"")


def pdf(*objects: bytes, trailer: bytes = b"/Root 1 0 R") -> bytes:
    body = b"".join(b"%d 0 obj\n%s\nendobj\n" % (number, each) for number, each in enumerate(objects, 1))
    return b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n" + body + b"trailer << " + trailer + b" >>\n%%EOF\n"


def _stream(data: bytes) -> bytes:
    packed = zlib.compress(data)
    return b"<< /Filter /FlateDecode /Length %d >>\nstream\r\n%s\r\nendstream" % (len(packed), packed)


def riff(kind: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    body = kind + b"".join(
        name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) & 1) for name, data in chunks
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _wav() -> bytes:
    made = io.BytesIO()
    with wave.open(made, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(NOISE)
    return made.getvalue()


def _jpeg(*segments: tuple[int, bytes]) -> bytes:
    made = b"".join(b"\xff" + bytes((kind,)) + struct.pack(">H", len(data) + 2) + data for kind, data in segments)
    return b"\xff\xd8" + made + b"\xff\xda\0\x08\1\1\0\0\x3f\0" + NOISE + b"\xff\xd9"


def _mp3(frame: bytes) -> bytes:
    size = len(frame)
    header = b"ID3\3\0\0" + bytes((size >> 21 & 127, size >> 14 & 127, size >> 7 & 127, size & 127))
    return header + frame + b"\xff\xfb\x90\x00" + NOISE


def _id3(name: bytes, data: bytes) -> bytes:
    return name + struct.pack(">I", len(data)) + b"\0\0" + data


def _mp4(data: bytes) -> bytes:
    boxes = ((b"ftyp", b"isom\0\0\2\0isommp41"), (b"udta", data), (b"mdat", NOISE))
    return b"".join(struct.pack(">I", len(body) + 8) + name + body for name, body in boxes)


def _tar(mode: str, **more: bytes) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=mode) as archive:
        info = tarfile.TarInfo("notes.txt")
        info.size = len(TEXT)
        archive.addfile(info, io.BytesIO(TEXT))
    return made.getvalue()


def _sqlite() -> bytes:
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE people (name TEXT, more BLOB)")
    database.execute("INSERT INTO people VALUES (?, ?)", ("x", zlib.compress(TEXT)))
    database.commit()
    return database.serialize()


def _npy() -> bytes:
    header = b"{'descr': '<U24', 'fortran_order': False, 'shape': (2,), }".ljust(117) + b"\n"
    texts = b"".join(text.encode("utf-32-le").ljust(96, b"\0") for text in (ID, "x"))
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header + texts


def _parquet() -> bytes:
    made = io.BytesIO()
    parquet.write_table(pyarrow.table({"a": [TEXT.decode()]}), made, compression="zstd")
    return made.getvalue()


def _hidden_in_zip() -> bytes:
    """A zip with a member that its directory does not list."""
    hidden = zipped({"hidden.txt": TEXT})
    hidden = hidden[: hidden.find(b"PK\x01\x02")]
    made = io.BytesIO(hidden)
    with zipfile.ZipFile(made, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("shown.txt", b"clean")
    return made.getvalue()


def _gzip(data: bytes, name: str = "") -> bytes:
    made = io.BytesIO()
    with gzip.GzipFile(name, "wb", fileobj=made, mtime=0) as file:
        file.write(data)
    return made.getvalue()


def _uuencoded(data: bytes) -> bytes:
    lines = [binascii.b2a_uu(data[at : at + 45]) for at in range(0, len(data), 45)]
    return b"begin 644 notes.txt\n" + b"".join(lines) + b"`\nend\n"


def _office(name: str) -> bytes:
    return zipped({"[Content_Types].xml": b"<Types/>", name: b"<a>" + TEXT + b"</a>"})


def _truncated(data: bytes) -> bytes:
    return b"head" * 20 + b"\xff\xfe\x01" + zlib.compress(NOISE[:3000].hex().encode() + data)[:-6]


def _in_cell(text: bytes) -> bytes:
    return b'id,answer\n1,"' + text + b'"\n2,yes\n'


_B64 = base64.b64encode
_DEFLATE = zlib.compressobj(9, zlib.DEFLATED, 15).compress
_FILLER = b"some line of a report that says nothing\n" * 40
_BINARY = bytes(range(256)) * 12

FOUND = {
    # text and its encodings
    "plain.txt": TEXT,
    "utf16.txt": TEXT.decode().encode("utf-16"),
    "utf32.txt": TEXT.decode().encode("utf-32"),
    "utf32-be.txt": TEXT.decode().encode("utf-32-be"),
    "mail.eml": b"Content-Transfer-Encoding: quoted-printable\n\n" + quopri.encodestring(b"M\xc3\xbcller: " + TEXT),
    "soft-breaks.eml": b"\n".join(b"%s=" % LEAK[at : at + 5] for at in range(0, 24, 5)),
    "mail-base64.eml": b"Content-Transfer-Encoding: base64\n\n" + base64.encodebytes(_FILLER + TEXT),
    "dump.hex": TEXT.hex().encode(),
    "bytea.csv": _in_cell(b"\\x" + TEXT.hex().encode()),
    "notes.uu": _uuencoded(_FILLER + TEXT),
    "mail-with-zip.uu": b"See the file.\n\n" + _uuencoded(zipped({"a.txt": TEXT})) + b"\nBye\n",
    "page.html": b"<p title='" + "".join(f"&#{ord(c)};" for c in ID).encode() + b"'>",
    "drawing.svg": b"<svg xmlns='http://www.w3.org/2000/svg'><text>" + TEXT + b"</text></svg>",
    "notes.rtf": b"{\\rtf1\\ansi " + TEXT + b"}",
    "notebook.ipynb": json.dumps({"cells": [{"source": [TEXT.decode()]}]}).encode(),
    # data: URLs and files in cells
    "data-gzip.csv": _in_cell(b"data:application/gzip;base64," + _B64(_gzip(TEXT))),
    "data-zip.csv": _in_cell(b"data:application/zip;base64," + _B64(zipped({"a.txt": TEXT}))),
    "data-png.csv": _in_cell(b"data:image/png;base64," + _B64(png(_chunk(b"zTXt", b"n\0\0" + zlib.compress(TEXT))))),
    "data-pdf.json": json.dumps({"f": "data:application/pdf;base64," + _B64(pdf(_stream(TEXT))).decode()}).encode(),
    "data-large.json": b'{"f": "data:x/y;base64,' + _B64(_BINARY * 200 + zlib.compress(TEXT)) + b'"}',
    "gzip-alone.csv": _in_cell(_B64(_gzip(TEXT))),
    "zip-alone.csv": _in_cell(_B64(zipped({"a.txt": TEXT}))),
    "gzip-hex.csv": _in_cell(b"\\x" + _gzip(TEXT).hex().encode()),
    # packed
    "a.zip": zipped({"a.txt": TEXT}),
    "hidden.zip": _hidden_in_zip(),
    "a.gz": _gzip(TEXT),
    "name.gz": _gzip(b"clean", ID),
    "second-name.gz": _gzip(b"clean" * 300, "a") + _gzip(b"clean", ID),
    "a.bz2": bz2.compress(TEXT),
    "a.xz": lzma.compress(TEXT),
    "a.lzma": lzma.compress(TEXT, lzma.FORMAT_ALONE),
    "a.tar": _tar("w"),
    "a.tar.gz": _tar("w:gz"),
    "a.tar.xz": _tar("w:xz"),
    "after-the-end.tar": _tar("w")[: -len(TEXT)] + bytes(2048) + TEXT,
    "zlib": zlib.compress(TEXT),
    "zlib-fast": zlib.compress(TEXT, 1),
    "zlib-small-window": (lambda c: c.compress(TEXT) + c.flush())(zlib.compressobj(9, zlib.DEFLATED, 9)),
    "middle-zlib.bin": _BINARY + zlib.compress(TEXT) + _BINARY,
    "middle-gzip.bin": _BINARY + _gzip(TEXT) + _BINARY,
    "middle-bzip2.bin": _BINARY + bz2.compress(TEXT) + _BINARY,
    "middle-xz.bin": _BINARY + lzma.compress(TEXT) + _BINARY,
    "middle-zip.bin": _BINARY + zipped({"a.txt": TEXT}) + _BINARY,
    "middle-of-text.log": _FILLER + _gzip(TEXT) + _FILLER,
    "cut-short.bin": _truncated(TEXT),
    "twice.bin": _BINARY + zlib.compress(_BINARY + _gzip(TEXT) + _BINARY),
    # documents, tables, data
    "a.pdf": pdf(_stream(b"BT (" + TEXT + b") Tj ET")),
    "a.docx": _office("word/document.xml"),
    "a.xlsx": _office("xl/sharedStrings.xml"),
    "a.odt": _office("content.xml"),
    "a.epub": _office("a.xhtml"),
    "a.sqlite": _sqlite(),
    "a.parquet": _parquet(),
    "a.npy": _npy(),
    "a.npz": zipped({"people.npy": _npy()}),
    "a.pickle": pickle.dumps({"id": ID, "n": list(range(300))}),
    "packed.pickle": pickle.dumps({"more": zlib.compress(TEXT), "n": list(range(300))}),
    "a.rds": _gzip(b"X\n\0\0\0\3\0\4\3\0" + TEXT),
    "packed.mat": b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM\x0f\0\0\0\x40\0\0\0" + zlib.compress(bytes(64) + TEXT),
    "packed.h5": b"\x89HDF\r\n\x1a\n" + bytes(range(48)) * 8 + zlib.compress(TEXT, 4),
    # pictures, sound, video
    "text.png": png(_chunk(b"tEXt", b"Author\0" + TEXT)),
    "packed-text.png": png(_chunk(b"zTXt", b"Author\0\0" + zlib.compress(TEXT))),
    "unicode-text.png": png(_chunk(b"iTXt", b"Author\0\1\0\0\0" + zlib.compress(TEXT))),
    "after-the-end.png": png() + _gzip(TEXT),
    "exif.jpg": _jpeg((0xE1, b"Exif\0\0II*\0" + TEXT)),
    "comment.jpg": _jpeg((0xFE, TEXT)),
    "comment.gif": b"GIF89a\1\0\1\0\0\0\0\x21\xfe" + bytes((len(TEXT),)) + TEXT + b"\0\x3b",
    "exif.webp": riff(b"WEBP", (b"VP8 ", NOISE), (b"EXIF", TEXT)),
    "packed.tiff": b"II*\0\x08\0\0\0" + NOISE + zlib.compress(TEXT),
    "list.wav": _wav()
    + b"LIST"
    + struct.pack("<I", len(TEXT) + 12)
    + b"INFOIART"
    + struct.pack("<I", len(TEXT))
    + TEXT,
    "id3.mp3": _mp3(_id3(b"TIT2", b"\0" + TEXT)),
    "id3-utf16.mp3": _mp3(_id3(b"TIT2", b"\1" + TEXT.decode().encode("utf-16"))),
    "comment.ogg": b"OggS\0\2" + bytes(20) + b"\3vorbis\1\0\0\0" + struct.pack("<I", len(TEXT)) + TEXT + NOISE,
    "comment.flac": b"fLaC\4\0\0\x40" + struct.pack("<I", len(TEXT)) + TEXT + NOISE,
    "title.mp4": _mp4(TEXT),
    "tag.mkv": b"\x1aE\xdf\xa3\x80" + NOISE + b"\x45\xa3" + TEXT,
}

REFUSED = {
    "a.7z": b"7z\xbc\xaf\x27\x1c" + NOISE,
    "a.rar": b"Rar!\x1a\x07\x01\0" + NOISE,
    "a.zst": b"\x28\xb5\x2f\xfd\x04\x58\x41\0\0" + NOISE,
    "a.lz4": b"\x04\x22\x4d\x18\x64\x40\xa7" + NOISE,
    "a.Z": b"\x1f\x9d\x90" + NOISE,
    "a.cab": b"MSCF\0\0\0\0" + NOISE,
    "a.rpm": b"\xed\xab\xee\xdb\3\0" + NOISE,
    "a.feather": b"ARROW1\0\0" + NOISE,
    "a.orc": b"ORC" + NOISE,
    "a.avro": b"Obj\1\4\x14avro.codec" + NOISE,
    "a.br": NOISE,
    "a.gpg": b"\x8c\x0d\4\7\3\2" + NOISE,
    "encrypted.asc": b"-----BEGIN PGP MESSAGE-----\n\n" + _B64(NOISE),
    "encrypted.pdf": pdf(_stream(b"clean"), trailer=b"/Root 1 0 R /Encrypt 5 0 R"),
    "encrypted.docx": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le") + NOISE,
    "deflate-without-header": zlib.compress(NOISE)[2:-4],
    "nobody-knows": NOISE,
    "openssl": b"Salted__" + NOISE,
    "zip-in-the-middle.bin": _BINARY + b"PK\x03\x04\x33\0\1\0\x63\0" + bytes(16) + b"\1\0\0\0a" + NOISE,
    "rar-in-the-middle.bin": _BINARY + b"Rar!\x1a\x07\x01\0" + NOISE,
    "zstd-in-the-middle.bin": _BINARY + b"\x28\xb5\x2f\xfd\x04\x58\x41\0\0" + NOISE,
    "noise-after-text.log": _FILLER * 800 + NOISE * 200,
}

NOT_SEARCHED = {
    "picture.png": png(),
    "picture.jpg": _jpeg(),
    "picture.tiff": b"II*\0\x08\0\0\0" + NOISE,
    "picture.heic": b"\0\0\0\x18ftypheic\0\0\0\0" + NOISE,
    "sound.wav": _wav(),
    "sound.mp3": b"\xff\xfb\x90\x00" + NOISE,
    "sound.aac": b"\xff\xf1\x50\x80" + NOISE,
    "sound.ogg": b"OggS\0\2" + NOISE,
    "sound.flac": b"fLaC" + NOISE,
    "video.webm": b"\x1aE\xdf\xa3\x80" + NOISE,
    "video.mp4": _mp4(b""),
    "no-magic.opus": NOISE,
    "font-text.pdf": pdf(_stream(b"BT <0031003400390064> Tj ET")),
    "shuffled.h5": b"\x89HDF\r\n\x1a\n" + b"shuffle" + NOISE,
    "table.sav": b"$FL2@(#) SPSS DATA FILE" + NOISE,
    "old.doc": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + NOISE,
    "scan.dcm": bytes(128) + b"DICM" + NOISE,
    "encrypted.sqlite": b"SQLite format 3\0" + bytes(80) + NOISE,
    "own.bin": b"\1\2\3\4" * 40,
}
