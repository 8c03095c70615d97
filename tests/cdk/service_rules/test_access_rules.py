"""ElastiCache's own rules about authentication, users and encryption, row by row.

The ids are those of the table of rules that the constructs were built to. The other tests go into more detail about each.
"""

import aws_cdk as cdk
import pytest
from tests.cdk.service_rules.site import OPEN, PUBLIC, RuleTests, Site, Table

from cachetwin_cdk import (
    AccessString,
    Engine,
    EngineVersion,
    GlobalDatastore,
    NoPasswordUser,
    PasswordUser,
    SecondaryReplicationGroup,
    ServerlessEngine,
    TransitEncryptionMode,
    UserGroup,
)

REFUSED: Table = {
    "A1": [
        (
            lambda s: s.group(auth_token=s.token(), transit_encryption=False),
            "transit_encryption must be True when auth_token is given, got False",
            lambda s: s.group(auth_token=s.token()),
        )
    ],
    "A2": [
        (lambda s: s.token(length=15), "length must be between 16 and 128 characters", lambda s: s.token(length=16)),
        (lambda s: s.token(length=129), "length must be between 16 and 128 characters", lambda s: s.token(length=128)),
    ],
    "A3": [
        (
            lambda s: s.group(auth_token=s.token(), users=[s.user()]),
            "auth_token must be left out when users is given",
            lambda s: s.group(users=[s.user()]),
        )
    ],
    "A4": [
        (
            lambda s: s.group(user_group=s.users(s.user()), users=[]),
            "user_group must be left out when users is given",
            lambda s: s.group(user_group=s.users(s.user())),
        )
    ],
    "A5": [
        (
            lambda s: s.group(transit_encryption=False),
            "transit_encryption must be True when the cache has users",
            lambda s: s.group(transit_encryption=False, **OPEN),
        )
    ],
    "A6": [
        (
            lambda s: s.group(engine_version=EngineVersion.REDIS_5_0_6, log_delivery=[]),
            "engine_version must be at least Redis 6.0 or Valkey 7.2 to have users",
            lambda s: s.group(engine_version=EngineVersion.REDIS_6_0),
        ),
        (
            lambda s: s.users(engine=Engine.MEMCACHED),
            "engine must be valkey or redis, got 'memcached'",
            lambda s: s.users(engine=Engine.REDIS),
        ),
        (
            lambda s: s.serverless(engine=ServerlessEngine.MEMCACHED_1_6, users=[]),
            "users must be left out for Memcached",
            lambda s: s.serverless(engine=ServerlessEngine.MEMCACHED_1_6),
        ),
    ],
    "A7": [
        (
            lambda s: s.group(users=[s.iam_user(Engine.REDIS)], engine_version=EngineVersion.REDIS_6_2),
            "engine_version must be at least Redis 7.0 or Valkey 7.2 for users with IAM authentication",
            lambda s: s.group(users=[s.iam_user(Engine.REDIS)], engine_version=EngineVersion.REDIS_7_0),
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
            lambda s: s.group(user_group=s.users(s.user()), engine_version=EngineVersion.REDIS_7_1),
            "user_group must be a Redis group for a Redis cache, got 'valkey'",
            lambda s: s.group(user_group=s.users(engine=Engine.REDIS)),
        ),
        (
            lambda s: s.serverless(user_group=s.users(s.user()), engine=ServerlessEngine.REDIS_7),
            "user_group must be a Redis group for a Redis cache, got 'valkey'",
            lambda s: s.serverless(user_group=s.users(engine=Engine.REDIS)),
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
            lambda s: s.group(kms_key=s.key(), at_rest_encryption=False),
            "at_rest_encryption must be True when kms_key is given",
            lambda s: s.group(kms_key=s.key()),
        )
    ],
    "A18": [
        (
            lambda s: s.group(
                transit_encryption=False, transit_encryption_mode=TransitEncryptionMode.PREFERRED, **OPEN
            ),
            "transit_encryption_mode must be left out when transit_encryption is False, got 'preferred'",
            lambda s: s.group(transit_encryption_mode=TransitEncryptionMode.REQUIRED),
        )
    ],
    "A19": [
        (
            lambda s: s.group(
                engine_version=EngineVersion.REDIS_6_2, transit_encryption_mode=TransitEncryptionMode.PREFERRED
            ),
            "engine_version must be at least Redis 7.0 or Valkey 7.2 for a transit_encryption_mode",
            lambda s: s.group(
                engine_version=EngineVersion.REDIS_7_0, transit_encryption_mode=TransitEncryptionMode.PREFERRED
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
            lambda s: s.group(transit_encryption_mode=TransitEncryptionMode.PREFERRED),
            "tls-preferred",
            lambda s: s.group(transit_encryption_mode=TransitEncryptionMode.REQUIRED),
        )
    ],
    "A19": [
        (lambda s: s.group(transit_encryption=False, **OPEN), "tls-off", lambda s: s.group(**OPEN)),
        (lambda s: s.memcached(transit_encryption=False), "tls-off", lambda s: s.memcached()),
    ],
    "A20": [(lambda s: s.group(at_rest_encryption=False), "at-rest-off", lambda s: s.group())],
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
        site.group(user_group=group, engine_version=EngineVersion.REDIS_6_2)
        group.add_user(site.iam_user(Engine.REDIS))
        message = "users with IAM authentication"
    elif kind == "serverless":
        late = UserGroup(site.stack, "Late", users=[site.iam_user()])
        site.serverless(**PUBLIC, user_group=late)
        late.add_user(site.user("bob", construct_id="Bob"))
        message = "users must all use IAM with connection_type PUBLIC, got 'bob'"
    else:
        datastore = GlobalDatastore.from_global_replication_group_attributes(
            site.stack, "Global", global_replication_group_id="orders", engine_version=EngineVersion.REDIS_6_2
        )
        SecondaryReplicationGroup(site.stack, "Copy", vpc=site.vpc, global_datastore=datastore, user_group=group)
        group.add_user(site.iam_user(Engine.REDIS))
        message = "users with IAM authentication"
    with pytest.raises(RuntimeError, match=message):
        cdk.App.of(site.stack).synth()  # type: ignore[union-attr]  # App.of is typed as any construct
