"""Tokens as an HTTP API checks them."""

import asyncio
import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from cachetwin_local.supervise.api.authorization.jwt import InvalidToken, JwtVerifier, fetch_document

KEY = rsa.generate_private_key(65537, 2048)
ISSUER = "https://issuer.example"
NOW_S = 1_700_000_000.0
CLAIMS = {"iss": ISSUER, "aud": "shop", "exp": NOW_S + 60, "scope": "read write", "sub": "me"}


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def token(claims: dict[str, Any], key: rsa.RSAPrivateKey = KEY, algorithm: str = "RS256") -> str:
    head = encoded(json.dumps({"alg": algorithm, "kid": "1"}).encode())
    signed = f"{head}.{encoded(json.dumps(claims).encode())}"
    return f"{signed}.{encoded(key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


async def fetch(url: str) -> dict[str, Any]:
    if url.endswith("openid-configuration"):
        return {"jwks_uri": f"{ISSUER}/keys"}
    numbers = KEY.public_key().public_numbers()
    n = encoded(numbers.n.to_bytes(256, "big"))
    return {"keys": [{"kty": "RSA", "kid": "1", "n": n, "e": encoded(numbers.e.to_bytes(3, "big"))}]}


def claims_of(text: str, *scopes: str) -> dict[str, Any]:
    return asyncio.run(JwtVerifier(fetch).claims(text, ISSUER, ["shop"], scopes, NOW_S))


def test_a_token_of_the_issuer_for_this_audience_is_accepted() -> None:
    assert claims_of(token(CLAIMS), "write") == CLAIMS
    assert claims_of(token({**CLAIMS, "aud": ["other", "shop"]}))["sub"] == "me"
    assert claims_of(token({"iss": ISSUER, "client_id": "shop", "exp": NOW_S + 1}))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("no token", "no JSON Web Token"),
        (f"{encoded(b'[' * 100_000)}.e30.e30", "no JSON Web Token"),
        (token(CLAIMS, rsa.generate_private_key(65537, 2048)), "signature"),
        (token(CLAIMS, algorithm="none"), "must be signed with RS256"),
        (token({**CLAIMS, "iss": "https://other.example"}), "issuer must be"),
        (token({**CLAIMS, "aud": "other"}), "audience must be"),
        (token({**CLAIMS, "exp": NOW_S}), "expired"),
        (token({**CLAIMS, "nbf": NOW_S + 1}), "not valid yet"),
    ],
)
def test_another_token_is_refused(text: str, reason: str) -> None:
    with pytest.raises(InvalidToken, match=reason) as caught:
        claims_of(text)
    assert not caught.value.scope


def test_a_missing_scope_is_told_apart() -> None:
    with pytest.raises(InvalidToken, match="scopes admin") as caught:
        claims_of(token(CLAIMS), "admin")
    assert caught.value.scope


def test_an_issuer_at_aws_is_not_asked() -> None:
    with pytest.raises(OSError, match="not asked"):
        asyncio.run(fetch_document("https://cognito-idp.us-east-1.amazonaws.com/pool/.well-known/jwks.json"))


def test_an_unknown_key_makes_the_issuer_asked_once() -> None:
    asked = []

    async def counted(url: str) -> dict[str, Any]:
        asked.append(url)
        return await fetch(url)

    async def run() -> None:
        verifier = JwtVerifier(counted)
        for kid in ("2", "3", "4"):
            head = encoded(json.dumps({"alg": "RS256", "kid": kid}).encode())
            with pytest.raises(InvalidToken, match=f"no key {kid}"):
                await verifier.claims(f"{head}.e30.e30", ISSUER, ["shop"], (), NOW_S)
        await verifier.claims(token(CLAIMS), ISSUER, ["shop"], (), NOW_S)

    asyncio.run(run())
    assert len(asked) == 2
