"""The password that a role signs."""

from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.credentials import Credentials  # type: ignore[import-untyped]  # it ships no types
from stacks.session_api.function.sessions.iam_token import IamToken, sign
from stacks.session_api.function.sessions.settings import Settings, SettingsError

CREDENTIALS = Credentials("AKIDEXAMPLE", "not-a-key", "a-session-token")
VARIABLES = {
    "CACHE_HOST": "c", "CACHE_PORT": "6379", "CACHE_TLS": "true", "CACHE_USER": "u", "CACHE_NAME": "n",
    "CACHE_KIND": "serverless", "CACHE_KEY_PREFIX": "session:", "SESSION_TTL_SECONDS": "60", "AWS_REGION": "eu-west-1",
}  # fmt: skip


def _token(*, serverless: bool) -> str:
    return sign(CREDENTIALS, cache_name="Shop", user="Api", region="eu-west-1", serverless=serverless)


def test_a_token_is_a_presigned_request_without_its_scheme() -> None:
    token = _token(serverless=False)
    url = urlsplit(f"https://{token}")
    query = {name: values[0] for name, values in parse_qs(url.query).items()}
    assert token.startswith("shop/?Action=connect&User=api&")
    assert (query["X-Amz-Expires"], query["X-Amz-Algorithm"]) == ("900", "AWS4-HMAC-SHA256")
    assert query["X-Amz-Credential"].endswith("/eu-west-1/elasticache/aws4_request")
    assert query["X-Amz-Security-Token"] == "a-session-token"
    assert len(query["X-Amz-Signature"]) == 64
    assert "ResourceType" not in query


def test_for_a_serverless_cache_the_kind_is_signed_too() -> None:
    query = parse_qs(urlsplit(f"https://{_token(serverless=True)}").query)
    assert query["ResourceType"] == ["ServerlessCache"]


def test_a_token_is_used_again_until_its_last_minute() -> None:
    now_s = 0.0
    made: list[str] = []

    def new_token() -> str:
        made.append(f"token {len(made)}")
        return made[-1]

    provider = IamToken("api", new_token, clock=lambda: now_s)
    assert provider.get_credentials() == ("api", "token 0")
    now_s = 839.0
    assert provider.get_credentials() == ("api", "token 0")
    now_s = 840.0
    assert provider.get_credentials() == ("api", "token 1")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("CACHE_HOST", "", "CACHE_HOST is required, and it is empty"),
        ("CACHE_PORT", "x", "CACHE_PORT must be a whole number from 1 to 65535, got 'x'"),
        ("CACHE_TLS", "yes", "CACHE_TLS must be one of true, false, got 'yes'"),
        ("CACHE_KIND", "cluster", "CACHE_KIND must be one of serverless, replication-group, got 'cluster'"),
    ],
)
def test_a_wrong_setting_is_named(name: str, value: str, message: str) -> None:
    with pytest.raises(SettingsError) as error:
        Settings.from_environment({**VARIABLES, name: value})
    assert str(error.value) == message


def test_settings_are_read() -> None:
    assert Settings.from_environment(VARIABLES).ttl_s == 60
