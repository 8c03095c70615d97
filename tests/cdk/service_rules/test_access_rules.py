"""ElastiCache's own rules about authentication, users and encryption, row by row.

The ids are those of the table of rules that the constructs were built to. The other tests go into more detail about each.
"""

import aws_cdk as cdk
import pytest
from tests.cdk.service_rules.site import OPEN, PUBLIC, RuleTests, Site, Table

from cachetwin_cdk import (
    Access,
    AccessString,
    Encryption,
    Engine,
    EngineVersion,
    GlobalDatastore,
    Logging,
    NoPasswordUser,
    PasswordUser,
    SecondaryReplicationGroup,
    ServerlessEngine,
    TransitEncryption,
    UserGroup,
)

REFUSED: Table = {
    "A1": [
        (
            lambda s: s.group(
                encryption=Encryption(transit=TransitEncryption.OFF), access=Access.auth_token(s.token())
            ),
            "transit must be REQUIRED or PREFERRED when clients log in",
            lambda s: s.group(access=Access.auth_token(s.token())),
        )
    ],
    "A2": [
        (lambda s: s.token(length=15), "length must be between 16 and 128 characters", lambda s: s.token(length=16)),
        (lambda s: s.token(length=129), "length must be between 16 and 128 characters", lambda s: s.token(length=128)),
    ],
    "A3": [
        (
            lambda s: s.group(access=Access(token=s.token(), given_users=[s.user()])),
            "access must name one way to log in, got 2",
            lambda s: s.group(access=Access.users(s.user())),
        )
    ],
    "A4": [
        (
            lambda s: s.group(access=Access(given_group=s.users(s.user()), given_users=[])),
            "access must name one way to log in, got 2",
            lambda s: s.group(access=Access.user_group(s.users(s.user()))),
        )
    ],
    "A5": [
        (
            lambda s: s.group(encryption=Encryption(transit=TransitEncryption.OFF)),
            "transit must be REQUIRED or PREFERRED when clients log in",
            lambda s: s.group(encryption=Encryption(transit=TransitEncryption.OFF), **OPEN),
        )
    ],
    "A6": [
        (
            lambda s: s.group(engine_version=EngineVersion.REDIS_5_0_6, logging=Logging.off()),
            "engine_version must be at least Redis 6.0 or Valkey 7.2 to have users",
            lambda s: s.group(engine_version=EngineVersion.REDIS_6_0),
        ),
        (
            lambda s: s.users(engine=Engine.MEMCACHED),
            "engine must be valkey or redis, got 'memcached'",
            lambda s: s.users(engine=Engine.REDIS),
        ),
        (
            lambda s: s.serverless(engine=ServerlessEngine.MEMCACHED_1_6, access=Access.users()),
            "access must be left out for Memcached",
            lambda s: s.serverless(engine=ServerlessEngine.MEMCACHED_1_6),
        ),
    ],
    "A7": [
        (
            lambda s: s.group(engine_version=EngineVersion.REDIS_6_2, access=Access.users(s.iam_user(Engine.REDIS))),
            "engine_version must be at least Redis 7.0 or Valkey 7.2 for users with IAM authentication",
            lambda s: s.group(engine_version=EngineVersion.REDIS_7_0, access=Access.users(s.iam_user(Engine.REDIS))),
        ),
        (
            lambda s: s.iam_user(user_id="default"),
            "user_id must not be default, which is ElastiCache's own user",
            lambda s: s.iam_user(user_id="defaults"),
        ),
        (
            lambda s: s.iam_user(user_id="Ann"),
            "user_id must be lower case for IAM authentication",
            lambda s: s.iam_user(user_id="ann"),
        ),
    ],
    "A8": [
        (
            lambda s: s.users(s.user(), engine=Engine.REDIS),
            "users must be Redis users in a Redis group",
            lambda s: s.users(s.user(engine=Engine.REDIS), engine=Engine.REDIS),
        )
    ],
    "A9": [
        (
            lambda s: s.users(NoPasswordUser(s.stack, "Nobody", user_name="nobody")),
            "users must have a password or use IAM in a Valkey group",
            lambda s: s.users(s.user(engine=Engine.REDIS)),
        )
    ],
    "A10": [
        (
            lambda s: s.group(engine_version=EngineVersion.REDIS_7_1, access=Access.user_group(s.users(s.user()))),
            "user_group must be a Redis group for a Redis cache, got 'valkey'",
            lambda s: s.group(access=Access.user_group(s.users(engine=Engine.REDIS))),
        ),
        (
            lambda s: s.serverless(engine=ServerlessEngine.REDIS_7, access=Access.user_group(s.users(s.user()))),
            "user_group must be a Redis group for a Redis cache, got 'valkey'",
            lambda s: s.serverless(access=Access.user_group(s.users(engine=Engine.REDIS))),
        ),
    ],
    "A11": [
        (
            lambda s: s.users(s.user("ann"), s.user("ann", construct_id="Other")),
            "users must have different names within a group, got 'ann' twice",
            lambda s: s.users(s.user("ann"), s.user("bob", construct_id="Other")),
        )
    ],
    "A12": [
        (
            lambda s: PasswordUser(s.stack, "Ann", access_string=AccessString.on(), secrets=s.secrets(3)),
            "secrets must be between 1 and 2, got 3",
            lambda s: PasswordUser(s.stack, "Ann", access_string=AccessString.on(), secrets=s.secrets(2)),
        )
    ],
    "A13": [
        (lambda s: s.ruled("on >a-password-in-clear"), "must hold no password rule", lambda s: s.ruled("on ~>* +get")),
        (lambda s: s.ruled("reset on"), "access_string must not hold 'reset'", lambda s: s.ruled("on -reset")),
        (
            lambda s: s.ruled("on +config"),
            "access_string must not allow a command that ElastiCache restricts",
            lambda s: s.ruled("on +get -config"),
        ),
    ],
    "A14": [
        (
            lambda s: s.iam_user(user_id="1st"),
            "user_id must start with a letter",
            lambda s: s.iam_user(user_id="first"),
        ),
        (lambda s: s.iam_user(user_id="a" * 41), "at most 40 letters", lambda s: s.iam_user(user_id="a" * 40)),
    ],
    "A15": [
        (
            lambda s: s.group(encryption=Encryption(at_rest=False, kms_key=s.key())),
            "at_rest must be True when kms_key is given",
            lambda s: s.group(encryption=Encryption(kms_key=s.key())),
        )
    ],
    "A19": [
        (
            lambda s: s.group(
                engine_version=EngineVersion.REDIS_6_2, encryption=Encryption(transit=TransitEncryption.PREFERRED)
            ),
            "engine_version must be at least Redis 7.0 or Valkey 7.2 for TransitEncryption.PREFERRED",
            lambda s: s.group(
                engine_version=EngineVersion.REDIS_7_0, encryption=Encryption(transit=TransitEncryption.PREFERRED)
            ),
        )
    ],
    "A21": [
        (
            lambda s: s.memcached(engine_version=EngineVersion.MEMCACHED_1_5_16),
            "engine_version must be at least Memcached 1.6.12 for TLS",
            lambda s: s.memcached(engine_version=EngineVersion.MEMCACHED_1_5_16, transit_encryption=False),
        ),
        (
            lambda s: s.memcached(removal_policy=cdk.RemovalPolicy.SNAPSHOT),
            "removal_policy must not be SNAPSHOT for Memcached",
            lambda s: s.memcached(removal_policy=cdk.RemovalPolicy.RETAIN),
        ),
    ],
}

WARNED: Table = {
    "A13": [
        (lambda s: s.ruled("~* +get"), "user-off", lambda s: s.ruled("off ~* +get")),
        (lambda s: s.ruled("on +acl|setuser"), "restricted-subcommand", lambda s: s.ruled("on +acl|whoami")),
    ],
    "A18": [
        (
            lambda s: s.group(encryption=Encryption(transit=TransitEncryption.PREFERRED)),
            "tls-preferred",
            lambda s: s.group(encryption=Encryption(transit=TransitEncryption.REQUIRED)),
        )
    ],
    "A19": [
        (
            lambda s: s.group(encryption=Encryption(transit=TransitEncryption.OFF), **OPEN),
            "tls-off",
            lambda s: s.group(**OPEN),
        ),
        (lambda s: s.memcached(transit_encryption=False), "tls-off", lambda s: s.memcached()),
    ],
    "A20": [(lambda s: s.group(encryption=Encryption(at_rest=False)), "at-rest-off", lambda s: s.group())],
}
# What no check has to look at, and why.
BY_CONSTRUCTION = {
    "A16": "TransitEncryptionEnabled is always rendered, be it true or false",
    "A17": "there is always a subnet group",
}


class TestRules(RuleTests):
    REFUSED = REFUSED
    WARNED = WARNED


def test_every_row_of_the_table_is_here() -> None:
    rows = {f"A{number}" for number in range(1, 22)}
    assert rows == REFUSED.keys() | WARNED.keys() | BY_CONSTRUCTION.keys()


@pytest.mark.parametrize("kind", ["group", "serverless", "secondary"])
def test_a_user_that_comes_late_is_held_to_the_rules_at_synth(site: Site, kind: str) -> None:
    group = site.users(site.user(engine=Engine.REDIS), engine=Engine.REDIS)
    if kind == "group":
        site.group(engine_version=EngineVersion.REDIS_6_2, access=Access.user_group(group))
        group.add_user(site.iam_user(Engine.REDIS))
        message = "users with IAM authentication"
    elif kind == "serverless":
        late = UserGroup(site.stack, "Late", users=[site.iam_user()])
        site.serverless(access=Access.user_group(late), **PUBLIC)
        late.add_user(site.user("bob", construct_id="Bob"))
        message = "users must all use IAM with connection_type PUBLIC, got 'bob'"
    else:
        datastore = GlobalDatastore.from_global_replication_group_attributes(
            site.stack, "Global", global_replication_group_id="orders", engine_version=EngineVersion.REDIS_6_2
        )
        SecondaryReplicationGroup(
            site.stack, "Copy", vpc=site.vpc, global_datastore=datastore, access=Access.user_group(group)
        )
        group.add_user(site.iam_user(Engine.REDIS))
        message = "users with IAM authentication"
    with pytest.raises(RuntimeError, match=message):
        cdk.App.of(site.stack).synth()  # type: ignore[union-attr]  # App.of is typed as any construct
