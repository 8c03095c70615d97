"""Who may log in to a cache that runs: IAM users, rotated passwords, changed users, and the clock."""

import asyncio
import time
from dataclasses import replace

import pytest
import redis
import redis.asyncio
import valkey
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from tests.engine.tokens import presigned
from tests.local.supervise.cache.caches import cache_node, replication_group, running, secret

from cachetwin_local.errors import UserError
from cachetwin_local.identity.credentials import Credentials
from cachetwin_local.identity.directory import Principal
from cachetwin_local.identity.policies import Policy, read_policy
from cachetwin_local.supervise.cache.cache import CacheActor
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.supervise.rotation import RotationOperations
from cachetwin_local.topology.values import CacheUser, NodeGroup, ReplicationGroup

ARN = "arn:aws:elasticache:us-east-1:000000000000"
TWELVE_HOURS_MS = 12 * 3_600_000
ROLE = "arn:aws:iam::000000000000:role/web"
IAM_USER = CacheUser("sessions", "sessions", "on ~* &* +@all", "iam")


def grant(*resources: str) -> Policy:
    statement = {"Effect": "Allow", "Action": "elasticache:Connect", "Resource": list(resources)}
    return read_policy("connect", {"Statement": statement})


@pytest.fixture
def group(address: str) -> ReplicationGroup:
    """A primary and a replica, with an IAM user beside the others."""
    base = replication_group(address, 2)
    return replace(base, users=(*base.users, IAM_USER))


@pytest.fixture
def serverless(address: str) -> ReplicationGroup:
    base = replication_group(address, 1)
    identity = replace(base.identity, arn=f"{ARN}:serverlesscache:cache")
    assert base.primary_endpoint is not None
    assert base.reader_endpoint is not None
    nodes = (
        replace(cache_node(address, 1), endpoint=base.primary_endpoint),
        replace(cache_node(address, 2), endpoint=base.reader_endpoint),
    )
    return replace(
        base,
        identity=identity,
        cluster_mode="serverless",
        nodes=nodes,
        node_groups=(NodeGroup("0001", ((0, 16383),)),),
        users=(*base.users, IAM_USER),
    )


def with_roles(run_context: RunContext, policy: Policy) -> Credentials:
    """A service with this policy; its credentials."""
    run_context.identities.set_principals([Principal("Shop/Web", ROLE, (policy,))])
    credentials = run_context.identities.credentials("Shop/Web")
    assert credentials is not None
    return credentials


class Provider(redis.CredentialProvider):
    """A new token for each connection, signed with a service's credentials."""

    def __init__(self, credentials: Credentials, *, serverless: bool = False) -> None:
        self.credentials = credentials
        self.serverless = serverless

    def get_credentials(self) -> tuple[str, str]:
        own = self.credentials
        keys = (own.access_key_id, own.secret_access_key, own.session_token)
        now_ms = int(time.time() * 1000)
        return "sessions", presigned("cache", "sessions", now_ms=now_ms, serverless=self.serverless, credentials=keys)


class ValkeyProvider(valkey.CredentialProvider):
    """The same for valkey-py."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider

    def get_credentials(self) -> tuple[str, str]:
        return self.provider.get_credentials()


def iam_client(run_context: RunContext, group: ReplicationGroup, provider: Provider) -> redis.asyncio.Redis:
    return redis.asyncio.Redis(
        host=group.endpoint.address,
        port=group.endpoint.port,
        ssl=True,
        ssl_ca_certs=str(run_context.local_ca.certificate_file),
        credential_provider=provider,
        socket_timeout=20,
        retry=Retry(NoBackoff(), 0),
    )


def password_client(run_context: RunContext, group: ReplicationGroup, password: str) -> redis.asyncio.Redis:
    return redis.asyncio.Redis(
        host=group.endpoint.address,
        port=group.endpoint.port,
        username="app",
        password=password,
        ssl=True,
        ssl_ca_certs=str(run_context.local_ca.certificate_file),
        socket_timeout=20,
        retry=Retry(NoBackoff(), 0),
    )


async def has_ended(client: redis.asyncio.Redis, number: int) -> bool:
    """Whether the connection of this number has ended; a client that noticed it has another one."""
    try:
        return bool(await client.client_id() != number)
    except redis.ConnectionError:
        return True


def test_a_service_logs_in_with_a_token_that_its_role_may_sign(
    run_context: RunContext, group: ReplicationGroup
) -> None:
    credentials = with_roles(run_context, grant(f"{ARN}:replicationgroup:cache", f"{ARN}:user:sessions"))

    def with_valkey_py() -> object:
        with valkey.Valkey(
            host=group.endpoint.address,
            port=group.endpoint.port,
            ssl=True,
            ssl_ca_certs=str(run_context.local_ca.certificate_file),
            credential_provider=ValkeyProvider(Provider(credentials)),
            socket_timeout=20,
        ) as client:
            return client.get("k")

    async def main() -> None:
        async with running(run_context, group):
            async with iam_client(run_context, group, Provider(credentials)) as client:
                assert await client.set("k", "v")
            assert await asyncio.to_thread(with_valkey_py) == b"v"

    asyncio.run(main())


def test_a_serverless_cache_wants_its_kind_in_the_token(run_context: RunContext, serverless: ReplicationGroup) -> None:
    credentials = with_roles(run_context, grant(f"{ARN}:serverlesscache:cache", f"{ARN}:user:sessions"))

    async def main() -> None:
        async with running(run_context, serverless):
            async with iam_client(run_context, serverless, Provider(credentials, serverless=True)) as client:
                assert await client.set("k", "v")
            with pytest.raises(redis.AuthenticationError):
                async with iam_client(run_context, serverless, Provider(credentials)) as client:
                    await client.ping()

    asyncio.run(main())


def log_of(run_context: RunContext) -> str:
    return "\n".join(entry.line for entry in run_context.logs.recent(frozenset({"Shop/Cache"}), 500))


@pytest.mark.parametrize("missing", ["cache", "user"])
def test_the_policies_have_to_allow_the_cache_and_the_user(
    run_context: RunContext, group: ReplicationGroup, missing: str
) -> None:
    arns = {"cache": f"{ARN}:replicationgroup:cache", "user": f"{ARN}:user:sessions"}
    credentials = with_roles(run_context, grant(*(arn for name, arn in arns.items() if name != missing)))

    async def main() -> None:
        async with running(run_context, group) as actor:
            with pytest.raises(redis.AuthenticationError, match="invalid username-password pair or user is disabled"):
                async with iam_client(run_context, group, Provider(credentials)) as client:
                    await client.ping()
            assert f"Shop/Web with the role web: no policy allows elasticache:Connect on {arns[missing]}" in log_of(
                run_context
            )
            with_roles(run_context, grant("*"))
            await actor.set_logins()
            async with iam_client(run_context, group, Provider(credentials)) as client:
                assert await client.ping()

    asyncio.run(main())
    assert credentials.session_token not in log_of(run_context)


def test_tags_of_a_cache_may_decide(run_context: RunContext, group: ReplicationGroup) -> None:
    statement = {
        "Effect": "Allow",
        "Action": "elasticache:Connect",
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:ResourceTag/team": "shop"}},
    }
    credentials = with_roles(run_context, read_policy("tagged", {"Statement": statement}))
    run_context.tags = {f"{ARN}:replicationgroup:cache": {"team": "shop"}}

    async def main() -> None:
        async with running(run_context, group) as actor:
            with pytest.raises(redis.AuthenticationError):
                async with iam_client(run_context, group, Provider(credentials)) as client:
                    await client.ping()
            run_context.tags = {**run_context.tags, f"{ARN}:user:sessions": {"team": "shop"}}
            await actor.set_logins()
            async with iam_client(run_context, group, Provider(credentials)) as client:
                assert await client.ping()

    asyncio.run(main())


def test_the_clock_ends_logins_and_ttls_and_a_new_node_has_the_time(
    run_context: RunContext, group: ReplicationGroup
) -> None:
    credentials = with_roles(run_context, grant("*"))

    async def main() -> None:
        async with running(run_context, group) as actor:
            run_context.clock.on_move(actor.clock_moved)
            async with iam_client(run_context, group, Provider(credentials)) as client:
                await client.set("short", "v", ex=3600)
                await client.set("long", "v", ex=24 * 3600)
                first = await client.client_id()
                await run_context.clock.advance(TWELVE_HOURS_MS)
                assert await has_ended(client, first)
                assert await client.get("short") is None
                assert 0 < await client.ttl("long") <= 12 * 3600
                await actor.reboot("cache-002")
                assert actor.member("cache-002").process.pid
                seconds, _micro = await client.time()
            assert abs(seconds - time.time() - 12 * 3600) < 60

            replica = f"{group.nodes[1].endpoint.address}:{group.nodes[1].endpoint.port}"
            host, port = replica.split(":")
            endpoint = replace(group.endpoint, address=host, port=int(port))
            async with iam_client(
                run_context, replace(group, primary_endpoint=endpoint), Provider(credentials)
            ) as client:
                seconds, _micro = await client.time()
            assert abs(seconds - time.time() - 12 * 3600) < 60

    asyncio.run(main())


def test_changed_users_reach_running_nodes(run_context: RunContext, group: ReplicationGroup) -> None:
    async def main() -> None:
        async with running(run_context, group) as actor:
            password = run_context.secrets.text(group.users[0].passwords[0])
            async with password_client(run_context, group, password) as client:
                assert await client.set("app:k", "v")
                pid = actor.member("cache-001").process.pid
                reading = replace(group.users[0], access_string="on ~app:* +@read +@connection")
                assert await actor.become(replace(group, users=(reading, *group.users[1:])))
                with pytest.raises(redis.exceptions.NoPermissionError):
                    await client.set("app:k", "w")
                assert await client.get("app:k") == b"v"
                assert await actor.become(replace(group, users=group.users[1:]))
                with pytest.raises((redis.ConnectionError, redis.AuthenticationError)):
                    await client.get("app:k")  # the first if its connection ends only now
                with pytest.raises(redis.AuthenticationError):
                    await client.get("app:k")
                assert await actor.become(group)
                assert await client.get("app:k") == b"v"
                assert actor.member("cache-001").process.pid == pid

    asyncio.run(main())


def test_a_cache_does_not_become_what_cloudformation_replaces(run_context: RunContext, group: ReplicationGroup) -> None:
    run_context.secrets.provision([secret()])
    actor = CacheActor(run_context, group)
    assert not asyncio.run(actor.become(replace(group, cluster_mode="compatible")))
    assert not asyncio.run(actor.become(replace(group, users=(), user_group_ids=())))
    assert not asyncio.run(actor.become(replace(group, auth_token="a-token-that-is-new")))


def test_two_passwords_are_valid_during_a_rotation(run_context: RunContext, group: ReplicationGroup) -> None:
    async def main() -> None:
        async with running(run_context, group) as actor:
            rotation = RotationOperations(run_context, lambda: [actor])
            first = run_context.secrets.text(group.users[0].passwords[0])
            async with password_client(run_context, group, first) as client:
                await client.set("app:k", "v")
                for name in ("password", "Shop/Password", "app", "cache"):
                    answer = await rotation.perform({"op": "rotate", "name": name})
                    assert "takes the earlier one too" in str(answer["done"])
                assert await client.get("app:k") == b"v", "a session goes on"
            last = run_context.secrets.text(group.users[0].passwords[0])
            earlier = run_context.secrets.earlier_text(group.users[0].passwords[0])
            assert earlier is not None
            assert len({first, earlier, last}) == 3

            async def logs_in(password: str) -> bool:
                try:
                    async with password_client(run_context, group, password) as client:
                        return bool(await client.get("app:k"))
                except redis.AuthenticationError:
                    return False

            assert [await logs_in(each) for each in (first, earlier, last)] == [False, True, True]
            assert "only" in str((await rotation.perform({"op": "rotate", "name": "app", "strategy": "set"}))["done"])
            assert [await logs_in(each) for each in (earlier, last)] == [False, True]
            wrong: list[tuple[dict[str, object], str]] = [
                ({"name": "nobody"}, "nobody must name one secret of a cache that runs"),
                ({"name": "app", "strategy": "delete"}, "only an AUTH token can be deleted"),
                ({"name": "app", "strategy": "x"}, "strategy must be one of rotate, set, delete, got x"),
            ]
            for request, reason in wrong:
                assert reason in str((await rotation.perform(request))["error"])
            assert {earlier, last} & run_context.values_to_mask() == {last}

    asyncio.run(main())


def test_an_auth_token_is_rotated_set_and_deleted(run_context: RunContext, address: str) -> None:
    base = replication_group(address, 1)
    group = replace(base, users=(), user_group_ids=(), auth_token=base.users[0].passwords[0])

    async def ping(token: str | None) -> str:
        try:
            async with redis.asyncio.Redis(
                host=group.endpoint.address,
                port=group.endpoint.port,
                password=token,
                ssl=True,
                ssl_ca_certs=str(run_context.local_ca.certificate_file),
                socket_timeout=20,
                retry=Retry(NoBackoff(), 0),
            ) as client:
                await client.ping()
        except redis.AuthenticationError as error:
            return str(error)
        return "PONG"

    async def main() -> None:
        async with running(run_context, group) as actor:
            rotation = RotationOperations(run_context, lambda: [actor])
            assert group.auth_token is not None
            first = run_context.secrets.text(group.auth_token)
            await rotation.perform({"op": "rotate", "name": "cache"})
            second = run_context.secrets.text(group.auth_token)
            assert [await ping(each) for each in (first, second)] == ["PONG", "PONG"]
            await rotation.perform({"op": "rotate", "name": "cache", "strategy": "set"})
            assert await ping(first) == "invalid username-password pair or user is disabled."
            assert await ping(second) == "PONG"
            # a token of the template's own: the one before it stays valid, as CloudFormation's update has it
            assert await actor.become(replace(group, auth_token="a-token-of-the-template"))
            assert [await ping(each) for each in (second, "a-token-of-the-template")] == ["PONG", "PONG"]
            actor.logins.end_earlier("set")
            await actor.set_logins()
            assert await ping(second) == "invalid username-password pair or user is disabled."
            actor.logins.end_earlier("delete")
            await actor.set_logins()
            assert await ping(None) == "PONG"

    asyncio.run(main())


def test_a_value_of_the_template_is_not_rotated(run_context: RunContext) -> None:
    stated = replace(secret(), generate=None, value="from the template")
    run_context.secrets.provision([stated])
    with pytest.raises(UserError, match="has its value from the template: change it there and apply it"):
        run_context.secrets.rotate(stated)
    run_context.secrets.end_earlier(stated)
    assert run_context.secrets.earlier_text("plain") is None
