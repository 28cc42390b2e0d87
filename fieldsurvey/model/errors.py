"""Two families of failure: what the environment did (shown with advice), and our own bugs.

A result that is data (timed out, no service, refused) is neither: it is a value with a cause.
"""

from fieldsurvey.model.messages import Message


class KnownError(Exception):
    """The environment is to blame: disk, device, network, a file. Says what happened, what was
    kept and what to do; every shell shows ``message`` and nothing else."""

    def __init__(self, id: str, /, **args: object) -> None:  # noqa: A002 - it is the id
        self.message = Message(id, args)
        super().__init__(id)

    def __str__(self) -> str:
        return self.message.text()
