"""The format of an encrypted file: a header, then chunks of 64 KiB, each encrypted and authenticated by itself.

    header   "PSYNSEAL", version 1 (one byte), key id (8), salt (32), length of the name (2, big-endian), sealed name
    chunk n  AES-256-GCM with the file's own key, which HKDF-SHA256 derives from the storage key, the salt and the
             header's first 17 bytes. Nonce: n (11 bytes, big-endian) and 0, or 1 in the file's last chunk
    name     the same, with chunk number 0 and 2 as the nonce's last byte

Nothing can be removed, added, repeated, put in another order or taken from another file without being noticed (STREAM,
https://eprint.iacr.org/2015/189). The name inside shows whether a file is where it was stored.
"""

import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from psynetdata.psynet.csvtext import BLOCK
from psynetdata.psynet.problems import Damaged

from .keys import StorageKey

MAGIC = b"PSYNSEAL"
CHUNK = 64 << 10
_TAG = 16
SEALED_CHUNK = CHUNK + _TAG
_VERSION = b"\1"
_FIXED = len(MAGIC) + 1 + 8
_SALT = 32
_PLAIN_HEADER = _FIXED + _SALT + 2
_MORE, _LAST, _NAME = 0, 1, 2


@dataclass(frozen=True)
class Header:
    """A file's header. `name`: as what it was stored; `length`: of the header in bytes; `key`: what opens it."""

    name: str
    length: int
    key: StorageKey
    cipher: AESGCM


def header_length(name: str) -> int:
    return _PLAIN_HEADER + len(name.encode()) + _TAG


def sealed_size(size: int, name: str) -> int:
    """Return the stored bytes of `size` bytes; an empty file has one chunk too."""
    return header_length(name) + size + chunks_of(size) * _TAG


def plain_size(stored: int, name: str) -> int:
    """Return how many bytes a stored file holds, 0 for one that is too short."""
    body = stored - header_length(name)
    return max(body - -(-body // SEALED_CHUNK) * _TAG, 0)


def chunks_of(size: int) -> int:
    return -(-size // CHUNK) or 1


def new_header(key: StorageKey, name: str) -> tuple[bytes, AESGCM]:
    """Return (the header of a new file, the cipher for its chunks)."""
    fixed, salt, inside = MAGIC + _VERSION + bytes.fromhex(key.id), secrets.token_bytes(_SALT), name.encode()
    cipher = key.cipher(fixed, salt)
    sealed_name = cipher.encrypt(_nonce(0, _NAME), inside, None)
    return fixed + salt + len(inside).to_bytes(2, "big") + sealed_name, cipher


def read_header(data: bytes, keys: Mapping[str, StorageKey], label: str) -> Header:
    """Return the header at the beginning of a file; `label` names the file in errors. Raises Damaged."""
    if data[: len(MAGIC)] != MAGIC:
        raise not_encrypted(label)
    key = keys.get(data[len(MAGIC) + 1 : _FIXED].hex())
    if data[len(MAGIC) : len(MAGIC) + 1] == _VERSION and len(data) >= _PLAIN_HEADER and key is None:
        raise Damaged(
            f"The stored file {label} is encrypted with the key {data[len(MAGIC) + 1 : _FIXED].hex()}, which "
            "STORAGE_KEY does not hold; add that key, or restore the file from a backup."
        )
    length = _PLAIN_HEADER + int.from_bytes(data[_PLAIN_HEADER - 2 : _PLAIN_HEADER], "big") + _TAG
    if key is None or len(data) < length:
        raise damaged(label)
    cipher = key.cipher(data[:_FIXED], data[_FIXED : _FIXED + _SALT])
    try:
        name = cipher.decrypt(_nonce(0, _NAME), data[_PLAIN_HEADER:length], None).decode()
    except InvalidTag:
        raise damaged(label) from None
    return Header(name, length, key, cipher)


def seal_chunk(cipher: AESGCM, number: int, data: bytes, *, last: bool) -> bytes:
    return cipher.encrypt(_nonce(number, _LAST if last else _MORE), data, None)


def opened(
    cipher: AESGCM, sealed: Iterable[bytes], label: str, *, first: int = 0, count: int | None = None
) -> Iterator[bytes]:
    """Yield the content of sealed bytes, chunk by chunk, from chunk `first` on.

    `count`: how many chunks were asked for; None means all up to the end of the file. Raises Damaged if anything was
    changed, and also if the file ends before `count` chunks without a chunk that is marked as the last one.
    """
    number, ended = first, False
    for piece in _cut(sealed):
        if ended:
            raise damaged(label)
        content, ended = _open_chunk(cipher, number, piece, label)
        number += 1
        yield content
    if not ended and (count is None or number < first + count):
        raise damaged(label)


def seal_stream(reader: BinaryIO, writer: BinaryIO, key: StorageKey, name: str = "") -> None:
    """Encrypt all that `reader` gives, of any length, into `writer`; memory is a few chunks."""
    header, cipher = new_header(key, name)
    writer.write(header)
    number, data = 0, _read_chunk(reader)
    while True:
        following = _read_chunk(reader) if len(data) == CHUNK else b""
        writer.write(seal_chunk(cipher, number, data, last=not following))
        if not following:
            return
        number, data = number + 1, following


def open_stream(reader: BinaryIO, writer: BinaryIO, keys: Iterable[StorageKey]) -> str:
    """Decrypt what `seal_stream` wrote, or a file of the storage. Return the name that is inside.

    Raises Damaged; what was written until then is right, but not all.
    """
    label = "in the stream"
    start = reader.read(_PLAIN_HEADER)
    start += reader.read(int.from_bytes(start[-2:], "big") + _TAG)
    header = read_header(start, {key.id: key for key in keys}, label)
    for content in opened(header.cipher, iter(lambda: reader.read(BLOCK), b""), label):
        writer.write(content)
    return header.name


def damaged(label: str) -> Damaged:
    return Damaged(f"The stored file {label} is damaged or was changed; restore it from a backup.")


def not_encrypted(label: str) -> Damaged:
    return Damaged(
        f"The stored file {label} is not encrypted, though every file of this storage is; it was replaced or damaged. "
        "Restore it from a backup."
    )


def taken(blocks: Iterator[bytes], length: int) -> tuple[bytes, Iterator[bytes]]:
    """Return (the first `length` bytes of a stream or all that it has, an iterator over the rest)."""
    start = b""
    while len(start) < length and (block := next(blocks, b"")):
        start += block
    return start[:length], chain([start[length:]], blocks)


def _open_chunk(cipher: AESGCM, number: int, piece: bytes, label: str) -> tuple[bytes, bool]:
    """Return (the chunk's content, whether it is the file's last one)."""
    for kind in (_MORE, _LAST) if len(piece) == SEALED_CHUNK else (_LAST,):
        try:
            return cipher.decrypt(_nonce(number, kind), piece, None), kind == _LAST
        except InvalidTag:
            continue
    raise damaged(label)


def _nonce(number: int, kind: int) -> bytes:
    return number.to_bytes(11, "big") + bytes([kind])


def _cut(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield sealed chunks from blocks of any length; the last one may be shorter."""
    rest = b""
    for block in blocks:
        data = rest + block if rest else block
        whole = len(data) // SEALED_CHUNK * SEALED_CHUNK
        view = memoryview(data)
        for at in range(0, whole, SEALED_CHUNK):
            yield view[at : at + SEALED_CHUNK]
        rest = bytes(view[whole:])
    if rest:
        yield rest


def _read_chunk(reader: BinaryIO) -> bytes:
    parts, left = [], CHUNK
    while left and (part := reader.read(left)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
