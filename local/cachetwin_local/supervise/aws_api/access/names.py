"""The ARNs of secrets and keys that calls name otherwise: by a name, an alias, or what a key has encrypted."""

import base64
import contextlib
from dataclasses import dataclass
from typing import Any

from cachetwin_local.supervise.aws_api.moto_backend import MotoBackend

__all__ = ["ResourceNames"]

_KEY_ID_BYTES = 36  # moto writes the id of the key before what it has encrypted


@dataclass(frozen=True, slots=True)
class ResourceNames:
    """Looks names up in moto's state of one account. moto must have loaded."""

    moto: MotoBackend
    account: str

    def find(self, module: str, name: str) -> str | None:
        """The ARN of what `module` has under this name, in any region; None where there is nothing."""
        for backend in self._backends(module):
            with contextlib.suppress(Exception):  # moto raises errors of its own for names that it does not have
                found = _secret(backend, name) if module == "secretsmanager" else _key(backend, name)
                if found is not None:
                    return found
        return None

    def _backends(self, module: str) -> list[Any]:
        return self.moto.every_backend(module, self.account)


def _secret(backend: Any, name: str) -> str | None:  # noqa: ANN401  (moto's own class)
    found = backend.secrets.get(name)
    return None if found is None else str(found.arn)


def _key(backend: Any, name: str) -> str | None:  # noqa: ANN401  (moto's own class)
    with contextlib.suppress(ValueError):
        encrypted = base64.b64decode(name, validate=True)[:_KEY_ID_BYTES].decode("ascii")
        if encrypted in backend.keys:
            return str(backend.keys[encrypted].arn)
    plain = name.partition(":key/")[2] or name
    if plain in backend.keys:
        return str(backend.keys[plain].arn)
    alias = "alias/" + name.partition("alias/")[2]
    return next((str(key.arn) for key in backend.keys.values() if alias in key.aliases), None)
