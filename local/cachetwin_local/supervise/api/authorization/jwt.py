"""JSON Web Tokens as an HTTP API checks them: signed by a key of the issuer (RSA), for this audience, valid now.

The keys come from the issuer's own address (OpenID Connect Discovery). An issuer at AWS, such as a user pool of Cognito,
is not asked: nothing here reaches AWS.
"""

import asyncio
import base64
import json
import time
import urllib.request
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

__all__ = ["InvalidToken", "JwtVerifier", "fetch_document"]

_HASHES: Final[dict[str, hashes.HashAlgorithm]] = {
    "RS256": hashes.SHA256(),
    "RS384": hashes.SHA384(),
    "RS512": hashes.SHA512(),
}
_KEYS_KEPT_S: Final = 3600.0
_FETCH_S: Final = 5.0
_ASKED_AGAIN_S: Final = 10.0  # tokens with keys that an issuer does not have must not make us ask it all the time
_DOCUMENT_MAX: Final = 1_000_000
Json = dict[str, Any]


class InvalidToken(Exception):
    """A token that is not accepted; the message says why. `scope` is whether only a scope is missing."""

    def __init__(self, reason: str, *, scope: bool = False) -> None:
        super().__init__(reason)
        self.scope = scope


async def fetch_document(url: str) -> Json:
    """The JSON object at a URL. Raises OSError or ValueError."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or (parts.hostname or "").endswith(
        (".amazonaws.com", ".amazonaws.com.cn")
    ):
        raise OSError(f"{url} is not asked from here")

    def read() -> bytes:
        with urllib.request.urlopen(url, timeout=_FETCH_S) as reply:  # noqa: S310  (the scheme was checked)
            return bytes(reply.read(_DOCUMENT_MAX))

    document = json.loads(await asyncio.to_thread(read))
    if not isinstance(document, dict):
        raise ValueError(f"{url} is no object")
    return document


class JwtVerifier:
    """Checks tokens, and keeps the keys of issuers for an hour; one with a new key is asked at most every ten seconds."""

    def __init__(self, fetch: Callable[[str], Awaitable[Json]] = fetch_document) -> None:
        self._fetch = fetch
        self._keys: dict[str, tuple[float, dict[str, rsa.RSAPublicKey]]] = {}
        self._asked_at_s: dict[str, float] = {}
        self._asking = asyncio.Lock()

    async def claims(
        self, token: str, issuer: str, audiences: Sequence[str], scopes: Sequence[str], now_s: float
    ) -> Json:
        """The claims of a token. Raises InvalidToken."""
        header, claims, signed, signature = _parts(token)
        algorithm = _HASHES.get(str(header.get("alg")))
        if algorithm is None:
            raise InvalidToken(f"the token must be signed with RS256, RS384 or RS512, got {header.get('alg')}")
        key = await self._key(issuer, str(header.get("kid", "")))
        try:
            key.verify(signature, signed, padding.PKCS1v15(), algorithm)
        except InvalidSignature:
            raise InvalidToken("the signature of the token is wrong") from None
        _check(claims, issuer, audiences, now_s)
        granted = claims.get("scope") or claims.get("scp") or ()
        words = granted.split() if isinstance(granted, str) else list(granted)
        if scopes and not set(scopes) & set(words):
            raise InvalidToken(f"the token must have one of the scopes {', '.join(scopes)}", scope=True)
        return claims

    async def _key(self, issuer: str, key_id: str) -> rsa.RSAPublicKey:
        async with self._asking:
            kept_until_s, keys = self._keys.get(issuer, (0.0, {}))
            now_s = time.monotonic()
            is_new = key_id not in keys and now_s >= self._asked_at_s.get(issuer, float("-inf")) + _ASKED_AGAIN_S
            if kept_until_s < now_s or is_new:
                keys = await self._fetched(issuer)
        if key_id not in keys:
            raise InvalidToken(f"{issuer} has no key {key_id}")
        return keys[key_id]

    async def _fetched(self, issuer: str) -> dict[str, rsa.RSAPublicKey]:
        """The keys that an issuer has now. Raises InvalidToken."""
        try:
            found = await self._fetch(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
            keys = _public_keys(await self._fetch(str(found["jwks_uri"])))
        except (OSError, ValueError, KeyError) as error:
            raise InvalidToken(f"the keys of {issuer} cannot be read: {error}") from error
        now_s = time.monotonic()
        self._keys[issuer] = now_s + _KEYS_KEPT_S, keys
        self._asked_at_s[issuer] = now_s
        return keys


def _parts(token: str) -> tuple[Json, Json, bytes, bytes]:
    """The header, the claims, what is signed, and the signature."""
    try:
        header, claims, signature = token.split(".")
        decoded = json.loads(_decoded(header)), json.loads(_decoded(claims))
        signed = _decoded(signature)
    except (ValueError, RecursionError):
        raise InvalidToken("the token is no JSON Web Token") from None
    if not all(isinstance(one, dict) for one in decoded):
        raise InvalidToken("the token is no JSON Web Token")
    return decoded[0], decoded[1], f"{header}.{claims}".encode(), signed


def _check(claims: Json, issuer: str, audiences: Sequence[str], now_s: float) -> None:
    if claims.get("iss") != issuer:
        raise InvalidToken(f"the issuer must be {issuer}, got {claims.get('iss')}")
    audience = claims.get("aud", claims.get("client_id"))
    named = audience if isinstance(audience, list) else [audience]
    if audiences and not set(audiences) & {str(one) for one in named}:
        raise InvalidToken(f"the audience must be one of {', '.join(audiences)}, got {audience}")
    expires, before = claims.get("exp"), claims.get("nbf", 0)
    if not isinstance(expires, int | float) or expires <= now_s:
        raise InvalidToken("the token has expired")
    if isinstance(before, int | float) and before > now_s:
        raise InvalidToken("the token is not valid yet")


def _public_keys(document: Json) -> dict[str, rsa.RSAPublicKey]:
    found = {}
    for key in document.get("keys", []):
        if key.get("kty") == "RSA":
            numbers = rsa.RSAPublicNumbers(_number(key["e"]), _number(key["n"]))
            found[str(key.get("kid", ""))] = numbers.public_key()
    return found


def _number(text: str) -> int:
    return int.from_bytes(_decoded(text), "big")


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
