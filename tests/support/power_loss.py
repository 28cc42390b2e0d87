"""What may be left on a disk when the power goes: recorded I/O, replayed to legal states.

strace writes down every change a process makes under a folder, and every line it prints (its
acknowledgements). A state is what a disk may hold if the power went after some of these calls: what
was synced is there; of each later write all, a beginning (in sectors) or nothing; of changes to
folders a beginning, in order, as journals keep them, and never less than was synced. A file whose
name was not synced with its folder may be missing altogether.

Not seen: memory maps. SQLite's -shm is one, and is never needed after a crash.
"""

import contextlib
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

SECTOR_BYTES = 512
_CALLS = (
    "openat,write,pwrite64,fsync,fdatasync,rename,renameat,renameat2,link,linkat,unlink,unlinkat,"
    "ftruncate,mkdir,mkdirat,rmdir,lseek,close"
)
# Calls that would change files unseen; a process that makes one cannot be recorded.
_UNSEEN = "open,creat,writev,pwritev,pwritev2,truncate,fallocate,copy_file_range,sendfile,symlink"
_LINE = re.compile(r"^(\d+) +(.*)$")
_CALL = re.compile(r"^(\w+)\((.*)\) += (-?\d+)(?:<([^>]*)>)?")


@dataclass(slots=True)
class Change:
    """One thing that happened. ``file`` is a number, since names change."""

    kind: str  # "write" "truncate" "sync" "name" "unname" "rename" "folder" "unfolder" "said"
    file: int = -1
    offset: int = 0
    data: bytes = b""
    path: str = ""
    other: str = ""
    covers: int = 0  # of a sync: changes before this number were complete when it began


@dataclass(slots=True)
class Recording:
    """Everything a process did under ``folder``, and how the folder was before."""

    before: Path
    changes: list[Change] = field(default_factory=list)

    @property
    def said(self) -> list[str]:
        """Return all lines that were printed."""
        return _said(self.changes)


def record(command: Sequence[str], folder: Path, before: Path, *, stdin: str = "") -> Recording:
    """Run ``command``, which works under ``folder``; ``before`` becomes a copy of it as it was."""
    shutil.copytree(folder, before)
    log = before.with_suffix(".strace")
    subprocess.run(
        [*("strace", "-f", "-y", "-xx", "-s", "16777216", "-o", str(log)),
         *("-e", f"trace={_CALLS},{_UNSEEN}"), *command],
        check=True, capture_output=True, text=True, timeout=240, input=stdin,
    )  # fmt: skip
    recording = Recording(before, _Parser(folder, before).parse(log))
    log.unlink()
    return recording


class _Parser:
    """Turns strace's lines into changes, by way of which descriptor is which file."""

    def __init__(self, folder: Path, before: Path) -> None:
        self._root = str(folder.resolve())
        self._changes: list[Change] = []
        self._names: dict[str, int] = {}
        self._open: dict[int, tuple[int, str]] = {}  # descriptor: file (-1 for a folder), path
        self._offsets: dict[int, int] = {}
        self._files = 0
        for path in sorted(path for path in before.rglob("*") if path.is_file()):
            self._names[f"{self._root}/{path.relative_to(before).as_posix()}"] = self._new_file()

    def _new_file(self) -> int:
        self._files += 1
        return self._files - 1

    def parse(self, log: Path) -> list[Change]:
        begun: dict[str, tuple[str, int]] = {}
        for line in log.read_text().splitlines():
            found = _LINE.match(line)
            assert found, line
            thread, text = found.groups()
            covers = len(self._changes)
            if text.endswith("<unfinished ...>"):
                begun[thread] = text.removesuffix("<unfinished ...>").rstrip(), covers
                continue
            if text.startswith("<... "):
                start, covers = begun.pop(thread)
                text = start + text.split("resumed>", 1)[1]
            call = _CALL.match(text)
            if call and int(call[3]) >= 0:
                self._take(call[1], _arguments(call[2]), int(call[3]), covers)
        return self._changes

    def _add(self, kind: str, **what: object) -> None:
        self._changes.append(Change(kind, **what))  # type: ignore[arg-type]  # the fields above

    def _inside(self, path: str) -> bool:
        return path.startswith(self._root + "/") or path == self._root

    def _take(self, call: str, arguments: list[str], result: int, covers: int) -> None:
        take = getattr(self, f"_take_{call}", None)
        if take is not None:
            take(arguments, result, covers)
        elif any(self._inside(_path(text)) for text in arguments):
            raise AssertionError(f"{call} is not recorded: {arguments}")

    def _take_openat(self, arguments: list[str], result: int, _covers: int) -> None:
        path = str(Path(_path(arguments[0])) / _text(arguments[1]))
        if not self._inside(path):
            return
        flags = arguments[2].split("|")
        if "O_DIRECTORY" in flags or Path(path) == Path(self._root) or path not in self._names:
            if "O_CREAT" not in flags:
                self._open[result] = -1, path
                return
            self._names[path] = self._new_file()
            self._add("name", file=self._names[path], path=path)
        file = self._names[path]
        if "O_TRUNC" in flags:
            self._add("truncate", file=file, offset=0)
        assert "O_APPEND" not in flags, path
        self._open[result], self._offsets[result] = (file, path), 0

    def _take_close(self, arguments: list[str], _result: int, _covers: int) -> None:
        self._open.pop(_descriptor(arguments[0]), None)

    def _take_lseek(self, arguments: list[str], result: int, _covers: int) -> None:
        if _descriptor(arguments[0]) in self._offsets:
            self._offsets[_descriptor(arguments[0])] = result

    def _take_write(self, arguments: list[str], result: int, _covers: int) -> None:
        descriptor = _descriptor(arguments[0])
        data = _bytes(arguments[1])[:result]
        if descriptor in self._open:
            offset = self._offsets[descriptor]
            self._add("write", file=self._open[descriptor][0], offset=offset, data=data)
            self._offsets[descriptor] += result
        elif descriptor == 1:
            self._add("said", data=data)

    def _take_pwrite64(self, arguments: list[str], result: int, _covers: int) -> None:
        descriptor = _descriptor(arguments[0])
        if descriptor in self._open:
            data, offset = _bytes(arguments[1])[:result], int(arguments[3])
            self._add("write", file=self._open[descriptor][0], offset=offset, data=data)

    def _take_ftruncate(self, arguments: list[str], _result: int, _covers: int) -> None:
        descriptor = _descriptor(arguments[0])
        if descriptor in self._open and not self._open[descriptor][1].endswith("-shm"):
            self._add("truncate", file=self._open[descriptor][0], offset=int(arguments[1]))

    def _take_fsync(self, arguments: list[str], _result: int, covers: int) -> None:
        descriptor = _descriptor(arguments[0])
        if descriptor in self._open:
            file, path = self._open[descriptor]
            self._add("sync", file=file, path=path, covers=covers)

    _take_fdatasync = _take_fsync

    def _take_rename(self, arguments: list[str], _result: int, _covers: int) -> None:
        self._rename(_text(arguments[0]), _text(arguments[1]))

    def _take_renameat(self, arguments: list[str], _result: int, _covers: int) -> None:
        self._rename(_at(arguments[0], arguments[1]), _at(arguments[2], arguments[3]))

    _take_renameat2 = _take_renameat

    def _rename(self, old: str, new: str) -> None:
        if not self._inside(new):
            return
        self._add("rename", path=old, other=new)
        for path in [name for name in self._names if name == old or name.startswith(old + "/")]:
            self._names[new + path.removeprefix(old)] = self._names.pop(path)

    def _take_link(self, arguments: list[str], _result: int, _covers: int) -> None:
        self._link(_text(arguments[0]), _text(arguments[1]))

    def _take_linkat(self, arguments: list[str], _result: int, _covers: int) -> None:
        self._link(_at(arguments[0], arguments[1]), _at(arguments[2], arguments[3]))

    def _link(self, old: str, new: str) -> None:
        if self._inside(new):
            self._names[new] = self._names[old]
            self._add("name", file=self._names[new], path=new)

    def _take_unlink(self, arguments: list[str], _result: int, _covers: int) -> None:
        self._unlink(_text(arguments[0]))

    def _take_unlinkat(self, arguments: list[str], _result: int, _covers: int) -> None:
        path = _at(arguments[0], arguments[1])
        if "AT_REMOVEDIR" in arguments[2]:
            if self._inside(path):
                self._add("unfolder", path=path)
        else:
            self._unlink(path)

    def _unlink(self, path: str) -> None:
        if self._names.pop(path, None) is not None:
            self._add("unname", path=path)

    def _take_mkdir(self, arguments: list[str], _result: int, _covers: int) -> None:
        if self._inside(_text(arguments[0])):
            self._add("folder", path=_text(arguments[0]))

    def _take_rmdir(self, arguments: list[str], _result: int, _covers: int) -> None:
        if self._inside(_text(arguments[0])):
            self._add("unfolder", path=_text(arguments[0]))


def _arguments(text: str) -> list[str]:
    """Split at commas outside of strings; with -xx no string holds a quote or a comma."""
    return [part.strip() for part in re.split(r", (?=(?:[^\"]*\"[^\"]*\")*[^\"]*$)", text)]


def _descriptor(text: str) -> int:
    number = text.split("<", 1)[0]
    return int(number) if number.isdigit() else -1


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.strip('"').replace("\\x", ""))


def _text(text: str) -> str:
    return _bytes(text).decode()


def _path(text: str) -> str:
    """Return the path in ``3<path>`` or ``AT_FDCWD<path>``, or in a string."""
    if "<" in text:
        return _bytes(text[text.index("<") + 1 : text.rindex(">")]).decode(errors="replace")
    return _text(text) if text.startswith('"') else ""


def _at(folder: str, name: str) -> str:
    return str(Path(_path(folder)) / _text(name))


def _said(changes: Sequence[Change]) -> list[str]:
    text = b"".join(change.data for change in changes if change.kind == "said").decode()
    return text.split("\n")[:-1]


@dataclass(slots=True)
class State:
    """A disk after a power cut: what the process had said by then, and how to make it again."""

    said: list[str]
    label: str
    _recording: Recording
    _kept: list[tuple[Change, int]]  # with how many bytes of it

    def make(self, folder: Path, recorded_in: Path) -> None:
        """Write the state into ``folder``, which must not exist."""
        root = str(recorded_in.resolve())
        shutil.copytree(self._recording.before, folder)
        contents: dict[int, bytearray] = {}
        names: dict[str, int] = {}
        for number, path in enumerate(sorted(p for p in folder.rglob("*") if p.is_file())):
            contents[number] = bytearray(path.read_bytes())
            names[root + "/" + path.relative_to(folder).as_posix()] = number
        folders: dict[str, bool] = {}
        for change, size in self._kept:
            _apply(change, size, contents, names, folders)
        for path in [p for p in folder.rglob("*") if p.is_file()]:
            path.unlink()
        for path, there in folders.items():
            target = folder / Path(path).relative_to(root)
            if there:
                target.mkdir(parents=True, exist_ok=True)
            else:
                shutil.rmtree(target, ignore_errors=True)
        for path, file in names.items():
            target = folder / Path(path).relative_to(root)
            with contextlib.suppress(FileNotFoundError):  # its folder was not synced
                target.write_bytes(contents.get(file, b""))


def _apply(
    change: Change,
    size: int,
    contents: dict[int, bytearray],
    names: dict[str, int],
    folders: dict[str, bool],
) -> None:
    match change.kind:
        case "write" if size:
            content = contents.setdefault(change.file, bytearray())
            content.extend(bytes(max(0, change.offset + size - len(content))))
            content[change.offset : change.offset + size] = change.data[:size]
        case "truncate" if size:
            content = contents.setdefault(change.file, bytearray())
            content.extend(bytes(max(0, change.offset - len(content))))
            del content[change.offset :]
        case "name":
            names[change.path] = change.file
        case "unname":
            names.pop(change.path, None)
        case "rename":
            old, new = change.path, change.other
            for path in [n for n in names if n == old or n.startswith(old + "/")]:
                names[new + path.removeprefix(old)] = names.pop(path)
            for path in [n for n in folders if n == old or n.startswith(old + "/")]:
                folders[new + path.removeprefix(old)] = folders.pop(path)
        case "folder":
            folders[change.path] = True
        case "unfolder":
            folders[change.path] = False


_OF_FOLDERS = ("name", "unname", "rename", "folder", "unfolder")
_CONTENT = ("write", "truncate")


def states(recording: Recording, count: int, chance: random.Random) -> Iterator[State]:
    """Yield ``count`` states: every moment with all and with only what was synced, as far as the
    count goes, then moments drawn by chance with parts of what was not synced."""
    synced_at = _synced_at(recording.changes)
    moments = [
        (moment, mode) for moment in range(len(recording.changes) + 1) for mode in ("all", "least")
    ]
    if len(moments) > count // 2:
        moments = chance.sample(moments, count // 2)
    for _ in range(count - len(moments)):
        moments.append((chance.randrange(len(recording.changes) + 1), "some"))
    for moment, mode in moments:
        yield _state(recording, synced_at, moment, mode, chance)


def _synced_at(changes: Sequence[Change]) -> list[float]:
    """Return for each change the number of the sync that first made it safe."""
    synced_at = [float("inf")] * len(changes)
    waiting: dict[int, list[int]] = {}  # by file
    waiting_names: list[int] = []
    for position, change in enumerate(changes):
        if change.kind in _CONTENT:
            waiting.setdefault(change.file, []).append(position)
        elif change.kind in _OF_FOLDERS:
            waiting_names.append(position)
        elif change.kind == "sync" and change.file >= 0:
            for number in waiting.pop(change.file, []):
                if number < change.covers:
                    synced_at[number] = position
                else:
                    waiting.setdefault(change.file, []).append(number)
        elif change.kind == "sync":
            covered = [
                n for n in waiting_names if n < change.covers and _is_in(changes[n], change.path)
            ]
            if covered:  # and with it all changes of folders before it: they are kept in order
                for number in [n for n in waiting_names if n <= covered[-1]]:
                    synced_at[number] = position
                    waiting_names.remove(number)
    return synced_at


def _state(
    recording: Recording,
    synced_at: Sequence[float],
    moment: int,
    mode: str,
    chance: random.Random,
) -> State:
    changes = recording.changes[:moment]
    beyond = [
        n
        for n, change in enumerate(changes)
        if change.kind in _OF_FOLDERS and synced_at[n] >= moment
    ]
    kept_beyond = {"all": len(beyond), "least": 0}.get(mode, chance.randint(0, len(beyond)))
    lost = set(beyond[kept_beyond:])
    kept = []
    for number, change in enumerate(changes):
        if change.kind in _OF_FOLDERS and number not in lost:
            kept.append((change, 0))
        elif change.kind in _CONTENT:
            size = len(change.data) or 1
            if mode != "all" and synced_at[number] >= moment:
                size = 0 if mode == "least" else _some_of(change, chance)
            kept.append((change, size))
    return State(_said(changes), f"{mode} at {moment}", recording, kept)


def _some_of(change: Change, chance: random.Random) -> int:
    """Return how much of a write that was not synced is there: all, nothing, some sectors."""
    size = len(change.data) or 1
    drawn = chance.random()
    if drawn < 0.4:
        return size
    if drawn < 0.8 or change.kind == "truncate":
        return 0
    return min(size, SECTOR_BYTES * chance.randint(0, size // SECTOR_BYTES))


def _is_in(change: Change, folder: str) -> bool:
    paths = (change.path, change.other) if change.kind == "rename" else (change.path,)
    return change.kind in _OF_FOLDERS and any(str(Path(p).parent) == folder for p in paths)


def python(module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module of ours."""
    return [sys.executable, "-m", module, *arguments]
