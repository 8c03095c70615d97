"""Which instance of the function answers, and whether it had to start for it."""

import os
import secrets


class Instance:
    """This instance; `name` is the end of its log stream's name."""

    def __init__(self) -> None:
        stream = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME", "")
        self.name = stream[-8:] or secrets.token_hex(4)
        self._answers = 0

    def headers(self) -> dict[str, str]:
        """The headers of the next answer; the first of an instance is cold."""
        self._answers += 1
        return {
            "x-instance": self.name,
            "x-instance-start": "cold" if self._answers == 1 else "warm",
            "x-instance-answers": str(self._answers),
        }
