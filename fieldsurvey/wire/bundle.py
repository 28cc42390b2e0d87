"""Batches, and the receipts for them, as one file on a USB stick.

A ZIP archive whose entries are stored as they are, so that what can be read of a damaged stick can
be read with any tool:

    batches/<device>/<epoch>/<batch_no>.fsb      sealed batches, byte by byte
    receipts/<device>/<epoch>/<batch_no>.json    signed receipts

Names are for people: what an entry is, its content says. Nothing here judges a batch, and writing
one into a bundle delivers nothing; only a receipt does.
"""

import hashlib
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import TypeVar

from fieldsurvey.wire.batch import parse_batch
from fieldsurvey.wire.canonical import WireError
from fieldsurvey.wire.receipt import SignedReceipt, receipt_from
from fieldsurvey.wire.whole_file import whole_file

SUFFIX = ".fspb"
MAX_ENTRY_BYTES = 64 * 1024 * 1024  # a single row alone may be larger than a batch should be

_FOLDERS = ("batches/", "receipts/")
_EPOCH_OF_ZIP = (1980, 1, 1, 0, 0, 0)  # same contents, same file
_LOCAL_HEADER = struct.Struct("<4sHHHHHIIIHH")
_LOCAL_MAGIC = b"PK\x03\x04"

T = TypeVar("T")
Entry = tuple[str, bytes | None]  # name and content, None where it cannot be read


def write_bundle(path: Path, batches: Iterable[bytes]) -> int:
    """Write sealed batches, one in memory at a time; return how many.

    The file appears whole or not at all. Raises OSError, and WireError for what is no batch.
    """
    return _write(path, ((_batch_name(content), content) for content in batches))


def write_receipts(path: Path, receipts: Iterable[SignedReceipt]) -> int:
    """Write receipts to carry back; as :func:`write_bundle`."""
    return _write(path, ((_receipt_name(receipt), receipt.to_bytes()) for receipt in receipts))


def read_bundle(path: Path) -> Iterator[bytes]:
    """Yield the batches of a bundle, oldest of an epoch first where it was written so.

    Damage costs only what is damaged: all that can be read is yielded first, then WireError
    ``bundle`` names the rest. Raises OSError.
    """
    yield from _read(path, "batches", lambda content: content)


def read_receipts(path: Path) -> Iterator[SignedReceipt]:
    """Yield the receipts of a receipts file, signatures not yet checked; as :func:`read_bundle`."""
    yield from _read(path, "receipts", receipt_from)


def _batch_name(content: bytes) -> str:
    header = parse_batch(content).header
    return f"batches/{header.device}/{header.epoch}/{header.batch_no}.fsb"


def _receipt_name(signed: SignedReceipt) -> str:
    receipt = signed.receipt
    return f"receipts/{receipt.device}/{receipt.epoch}/{receipt.batch_no}.json"


def _write(path: Path, entries: Iterable[tuple[str, bytes]]) -> int:
    names: set[str] = set()
    with whole_file(path) as stream, zipfile.ZipFile(stream, "w") as archive:
        for name, content in entries:
            if name in names:  # of two batches with one number, both are kept
                digest = hashlib.sha256(content).hexdigest()[:16]
                name = str(PurePosixPath(name).with_stem(f"{PurePosixPath(name).stem}-{digest}"))
            if name not in names:
                names.add(name)
                archive.writestr(zipfile.ZipInfo(name, _EPOCH_OF_ZIP), content)
    return len(names)


def _read(path: Path, folder: str, decode: Callable[[bytes], T]) -> Iterator[T]:
    whole = 0
    damaged: list[str] = []
    for name, content in _entries(path):
        if name.startswith(_FOLDERS) and not name.startswith(f"{folder}/"):
            continue
        try:
            if content is None or not name.startswith(_FOLDERS):
                raise WireError("bundle", "unreadable")
            decoded = decode(content)
        except WireError:
            damaged.append(name)
            continue
        whole += 1
        yield decoded
    if damaged:
        raise WireError("bundle", f"{whole} can be read, damaged are {', '.join(damaged)}")
    if whole == 0:
        raise WireError("bundle", f"holds no {folder}")


def _entries(path: Path) -> Iterator[Entry]:
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile:
        yield from _entries_before_the_cut(path)
        return
    with archive:
        for info in archive.infolist():
            yield info.filename, _content(archive, info)


def _content(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes | None:
    if info.compress_type != zipfile.ZIP_STORED or info.file_size > MAX_ENTRY_BYTES:
        return None
    try:
        return archive.read(info)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError):
        return None


def _entries_before_the_cut(path: Path) -> Iterator[Entry]:
    """Read an archive that lost its end, and with it the table of contents, entry by entry."""
    with path.open("rb") as stream:
        while True:
            head = stream.read(_LOCAL_HEADER.size)
            if not head.startswith(_LOCAL_MAGIC) or len(head) < _LOCAL_HEADER.size:
                break
            _, _, _, method, _, _, crc, size, _, name_bytes, extra_bytes = _LOCAL_HEADER.unpack(
                head
            )
            name = stream.read(name_bytes).decode("ascii", "replace")
            stream.seek(extra_bytes, 1)
            if method != zipfile.ZIP_STORED or size > MAX_ENTRY_BYTES:
                break
            content = stream.read(size)
            yield name, content if zlib.crc32(content) == crc else None
    yield "batches/(what came after the cut)", None
    yield "receipts/(what came after the cut)", None
