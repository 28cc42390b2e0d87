"""Why HQ does not take something, in the words of the protocol."""


class Refusal(Exception):  # noqa: N818 - the word of the protocol
    """Nothing was kept. ``status`` is HTTP's, ``code`` a word for machines."""

    def __init__(self, status: int, code: str, detail: str = "", retry_after_s: int = 0) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail
        self.retry_after_s = retry_after_s
