"""IAM tokens in place of passwords: made by botocore, checked in front of a real PostgreSQL."""

import asyncio
import socket
import ssl
import struct
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from botocore.awsrequest import prepare_request_dict  # type: ignore[import-untyped]
from botocore.credentials import Credentials as Keys  # type: ignore[import-untyped]
from botocore.hooks import HierarchicalEmitter  # type: ignore[import-untyped]
from botocore.model import ServiceId  # type: ignore[import-untyped]
from botocore.signers import RequestSigner  # type: ignore[import-untyped]
from tests.local.supervise.postgres.test_postgres import address_of, ask, run, running, until

from cachetwin_local.identity.credentials import Credentials, credentials_of
from cachetwin_local.identity.directory import Principal
from cachetwin_local.identity.policies import read_policy
from cachetwin_local.supervise.postgres.installations import installations
from cachetwin_local.supervise.postgres.relay import PostgresRelay
from cachetwin_local.supervise.postgres.tokens import RefusedToken, TokenLogins
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.topology.values import Database

REGION = "us-east-1"
USERS = f"arn:aws:rds-db:{REGION}:000000000000:dbuser:db-TWIN"
EMITTER = HierarchicalEmitter()  # the signer has a weak reference to it
ROLE = "arn:aws:iam::000000000000:role/web"


def principal(name: str, resource: str) -> Principal:
    statement = {"Effect": "Allow", "Action": "rds-db:connect", "Resource": resource}
    return Principal(name, ROLE, (read_policy("connect", {"Statement": [statement]}),))


def token(credentials: Credentials, host: str, user: str, port: int = 5432) -> str:
    """A token as ``generate_db_auth_token`` makes it, without a client, which is slow to make."""
    keys = Keys(credentials.access_key_id, credentials.secret_access_key, credentials.session_token)
    signer = RequestSigner(ServiceId("RDS"), REGION, "rds-db", "v4", keys, EMITTER)
    body = {"Action": "connect", "DBUser": user}
    request: dict[str, Any] = {"url_path": "/", "query_string": "", "headers": {}, "body": body, "method": "GET"}
    prepare_request_dict(request, f"https://{host}:{port}")
    made: str = signer.generate_presigned_url(request, "connect", 900, REGION, "rds-db")
    return made.removeprefix("https://")


@pytest.fixture(scope="module")
def credentials() -> Credentials:
    return credentials_of("a seed")


def logins_of(credentials: Credentials) -> TokenLogins:
    caller = principal("Shop/Web", f"{USERS}/jane"), credentials
    return TokenLogins(frozenset({"127.9.9.9:5432"}), REGION, USERS, (caller,))


def test_a_token_logs_in_the_user_that_its_role_may_connect_as(credentials: Credentials) -> None:
    assert logins_of(credentials).check("jane", token(credentials, "127.9.9.9", "jane"), time.time()) == "Shop/Web"


@pytest.mark.parametrize(
    ("user", "endpoint", "later_s", "reason"),
    [
        ("jane", ("127.9.9.9", 5433), 0, "the token must be for 127.9.9.9:5432, got 127.9.9.9:5433"),
        ("jane", ("elsewhere", 5432), 0, "the token must be for 127.9.9.9:5432, got elsewhere:5432"),
        ("jane", ("127.9.9.9", 5432), 901, "the signature must be at most 900 s old"),
        (
            "joe",
            ("127.9.9.9", 5432),
            0,
            "Shop/Web with the role web: no policy allows rds-db:connect on .*:db-TWIN/joe",
        ),
    ],
)
def test_another_token_is_refused_with_its_reason(
    credentials: Credentials, user: str, endpoint: tuple[str, int], later_s: int, reason: str
) -> None:
    host, port = endpoint
    made = token(credentials, host, user, port)
    with pytest.raises(RefusedToken, match=reason):
        logins_of(credentials).check(user, made, time.time() + later_s)


def test_a_token_of_another_user_or_with_a_changed_word_is_refused(credentials: Credentials) -> None:
    logins = logins_of(credentials)
    made = token(credentials, "127.9.9.9", "jane")
    for user, password, reason in (
        ("joe", made, "must be for the user joe, got jane"),
        ("jane", made.replace("X-Amz-Expires=900", "X-Amz-Expires=90000"), "valid for at most 900 s"),
        ("jane", made.replace("X-Amz-Expires=900", "X-Amz-Expires=899"), "the signature is wrong"),
        ("jane", token(credentials_of("another"), "127.9.9.9", "jane"), "the access key is of nothing that runs here"),
        ("jane", "a password", "the password is no token"),
        ("jane", "", "the password is no token"),
    ):
        with pytest.raises(RefusedToken, match=reason):
            logins.check(user, password, time.time())


@pytest.mark.parametrize("key", ["aws:CurrentTime", "aws:EpochTime"])
def test_a_policy_that_ends_is_checked_against_the_time_of_the_login(credentials: Credentials, key: str) -> None:
    now_s = time.time()
    operator, end = ("DateLessThan", datetime.fromtimestamp(now_s + 600, UTC).isoformat())
    if key == "aws:EpochTime":
        operator, end = "NumericLessThan", str(int(now_s) + 600)
    statement = {
        "Effect": "Allow", "Action": "rds-db:connect", "Resource": f"{USERS}/jane", "Condition": {operator: {key: end}},
    }  # fmt: skip
    web = Principal("Shop/Web", ROLE, (read_policy("connect", {"Statement": [statement]}),))
    logins = replace(logins_of(credentials), callers=((web, credentials),))
    made = token(credentials, "127.9.9.9", "jane")
    assert logins.check("jane", made, now_s) == "Shop/Web"
    for later, machine_s in ((logins, now_s + 700), (replace(logins, ahead_ms=700_000), now_s)):
        with pytest.raises(RefusedToken, match="no policy allows rds-db:connect"):
            later.check("jane", made, machine_s)


def test_a_server_that_ends_while_the_token_is_asked_for_ends_the_connection(
    run_context: RunContext, credentials: Credentials, tmp_path: Path
) -> None:
    ended = asyncio.Event()

    async def let_in(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(8)
        writer.write(b"R\0\0\0\x08\0\0\0\0")  # AuthenticationOk
        await ended.wait()
        writer.close()

    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.setblocking(False)
            server = await asyncio.start_unix_server(let_in, tmp_path / "server")
            context = run_context.local_ca.issue("relay", ["127.0.0.1"], []).server_context()
            tokens = logins_of(credentials)
            relay = PostgresRelay(listener, context, tmp_path / "server", force_ssl=True, tokens=tokens)
            accepting = asyncio.create_task(relay.accept())
            trust = ssl.create_default_context(cafile=run_context.local_ca.bundle_file)
            trust.set_alpn_protocols(["postgresql"])
            reader, writer = await asyncio.open_connection(*listener.getsockname(), ssl=trust)
            try:
                options = b"user\0jane\0\0"
                writer.write(struct.pack("!II", 8 + len(options), 196608) + options)
                assert (await asyncio.wait_for(reader.readexactly(9), 30))[:1] == b"R"
                ended.set()
                await until(lambda: len(relay.sides) == 1)
                password = token(credentials, "127.9.9.9", "jane").encode() + b"\0"
                writer.write(b"p" + struct.pack("!I", 4 + len(password)) + password)
                await asyncio.wait_for(reader.read(), 30)
                await until(lambda: relay.connections == 0)
            finally:
                writer.close()
                accepting.cancel()
                await asyncio.gather(accepting, return_exceptions=True)
                await relay.stop()
                server.close()
                await server.wait_closed()

    asyncio.run(main())


def with_iam(database: Database, major: int) -> Database:
    identity = replace(
        database.identity,
        arn=f"arn:aws:rds:{REGION}:000000000000:db:shop",
        attributes={"DbiResourceId": "db-TWIN"},
    )
    return replace(database, identity=identity, engine_version=f"{major}.1", iam_authentication=True)


@pytest.mark.parametrize("major", sorted({one.major for one in installations()} & {15, 18}))
def test_postgresql_takes_tokens_from_members_of_rds_iam_and_passwords_from_others(
    run_context: RunContext, database: Database, major: int
) -> None:
    shop = with_iam(database, major)
    run_context.identities.set_principals([principal("Shop/Web", f"{USERS}/jane")])
    own = run_context.identities.credentials("Shop/Web")
    assert own is not None

    def login(**changes: Any) -> dict[str, Any]:  # noqa: ANN401  (what psycopg takes)
        password = token(own, shop.endpoint.address, "jane")
        return address_of(run_context, shop, **{"user": "jane", "password": password, "dbname": "postgres", **changes})

    async def main() -> None:
        async with running(run_context, shop) as actor:
            master = address_of(run_context, shop)
            connection = await psycopg.AsyncConnection.connect(**master, autocommit=True)
            async with connection:
                for name in ("jane", "joe"):
                    await connection.execute(f"CREATE USER {name} PASSWORD 'of {name}'")
                await connection.execute("GRANT rds_iam TO jane")
            assert await ask(login(), "SELECT current_user") == "jane"
            assert await ask(login(user="joe", password="of joe"), "SELECT current_user") == "joe"
            for refused in (login(password="of jane"), login(password="")):
                with pytest.raises(psycopg.OperationalError, match=r"PAM authentication failed|no password supplied"):
                    await ask(refused, "SELECT 1")
            with pytest.raises(psycopg.OperationalError, match="no encryption"):
                await ask(login(sslmode="disable"), "SELECT 1")
            await until(lambda: "refused: the password is no token" in "\n".join(run_context.logs.tail(actor.name, 99)))
            run_context.identities.set_principals([principal("Shop/Web", f"{USERS}/joe")])
            actor.set_logins()
            async with asyncio.timeout(30):
                while await logs_in(login()):
                    await asyncio.sleep(0.05)

    run(main)


async def logs_in(login: dict[str, Any]) -> bool:
    try:
        return await ask(login, "SELECT true") is True
    except psycopg.OperationalError:
        return False
