"""What headquarters has given to this laptop, for ``sync now`` and ``sync status``."""

from fieldsurvey.cli.shell import Shell
from fieldsurvey.model.messages import message
from fieldsurvey.store.codec import message_from_json
from fieldsurvey.sync.issued_folder import Came, IssuedFolder, Memory
from fieldsurvey.sync.profile import Profile
from fieldsurvey.wire.issued import Issued


def issued_memory(profile: Profile) -> Memory:
    """Return what came so far; raises KnownError."""
    return IssuedFolder(profile.issued_path).memory()


def tell_new(shell: Shell, profile: Profile, before: Memory) -> None:
    """Tell what has come since ``before``, and what HQ's list has that is not believed."""
    now = issued_memory(profile)
    for key, came in now.came.items():
        if came != before.came.get(key):
            _say(shell, profile, came, to_stdout=False)
    for refused in now.refused:
        shell.say(message_from_json(refused))


def show_all(shell: Shell, profile: Profile) -> None:
    """Print what is offered, what was set aside and what was refused."""
    memory = issued_memory(profile)
    for came in memory.came.values():
        _say(shell, profile, came, to_stdout=True)
    for refused in memory.refused:
        shell.show(message_from_json(refused))


def issued_document(shell: Shell, profile: Profile) -> dict[str, object]:
    """Return the same for machines."""
    memory = issued_memory(profile)
    folder = IssuedFolder(profile.issued_path)
    documents: list[dict[str, object]] = []
    for came in memory.came.values():
        if came.offered is not None:
            one = came.offered.issued
            documents.append({**_named(one), "path": str(folder.offered_path(one))})
        if came.aside is not None:
            reason = message_from_json(came.reason).text(shell.language)
            documents.append({**_named(came.aside.issued), "path": None, "reason": reason})
    refused = [message_from_json(one).text(shell.language) for one in memory.refused]
    return {"documents": documents, "refused": refused}


def _say(shell: Shell, profile: Profile, came: Came, *, to_stdout: bool) -> None:
    say = shell.show if to_stdout else shell.say
    if came.offered is not None:
        one = came.offered.issued
        path = IssuedFolder(profile.issued_path).offered_path(one)
        say(message("sync.issued_offered", **_named(one), path=path))
    if came.aside is not None:
        reason = message_from_json(came.reason)
        say(message("sync.issued_aside", **_named(came.aside.issued), reason=reason))


def _named(one: Issued) -> dict[str, object]:
    return {"kind": one.kind.value, "name": one.name, "version": one.version}
