"""Credentials of a role's session: access key, secret and session token, in the form of AWS's.

They follow from a random seed, so that they stay the same from run to run while only the seed is stored. They open
nothing on AWS.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass

__all__ = ["Credentials", "credentials_of"]


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a process signs its requests with."""

    access_key_id: str
    secret_access_key: str
    session_token: str

    def environment(self) -> dict[str, str]:
        """The variables that AWS's SDKs read."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_SESSION_TOKEN": self.session_token,
        }


def credentials_of(seed: str) -> Credentials:
    """The credentials that follow from `seed`, which must be random and secret."""
    return Credentials(
        access_key_id="ASIA" + base64.b32encode(_derived(seed, "access key")).decode()[:16],
        secret_access_key=base64.b64encode(_derived(seed, "secret")).decode()[:40],
        session_token=base64.b64encode(_derived(seed, "session") + _derived(seed, "token")).decode(),
    )


def _derived(seed: str, purpose: str) -> bytes:
    return hmac.new(seed.encode(), purpose.encode(), hashlib.sha256).digest()
