"""Access strings: what the constructs accept for a version, the engine's own parser accepts, and the other way round."""

import subprocess
import sys
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk.assertions import Template
from hypothesis import given, settings
from hypothesis import strategies as st

import cachetwin_engine.core.commands  # noqa: F401  (adds the rows of the command table)
from cachetwin_cdk import (
    Access,
    AccessString,
    Engine,
    EngineVersion,
    PasswordUser,
    ReplicationGroup,
    UserGroup,
    ValidationError,
)
from cachetwin_cdk.access._acl_rules import RESTRICTED_COMMANDS
from cachetwin_cdk.patterns import MessagingService
from cachetwin_engine.core.acl.rules import RuleError, apply_rule, merge_selectors
from cachetwin_engine.core.acl.user import User
from cachetwin_engine.core.config.profile import PROFILES
from cachetwin_engine.core.registry.command_table import Command, table_for

ROOT = Path(__file__).parents[3]
VERSIONS = {name: EngineVersion.of(Engine(profile.family), name.split("-")[1]) for name, profile in PROFILES.items()}
TABLES: dict[str, dict[bytes, Command]] = {
    name: table_for(profile.commands_through, profile.is_valkey) for name, profile in PROFILES.items()
}
PATTERNS = ["*", "a", "a:*", "queue:{x}", "[ab]?"]
WORDS = [
    "on", "off", "allkeys", "resetkeys", "allchannels", "resetchannels", "allcommands", "nocommands", "clearselectors",
    "sanitize-payload", "+@all", "-@all", "+@read", "-@nonsense", "+@pubsub", "-@dangerous", "+get", "-get", "+gett",
    "+client", "+client|setinfo", "-client|setname", "+client|nonsense", "+select|0", "-select|0", "+get|", "%X~a", "%~a",
    "%RW~*", "%R~*", "alldbs", "resetdbs", "db=1,2", "db=", "nonsense", "+cluster|flushslot", "+hgetdel", "+msetex",
    "~", "&", "+", "@read", "+commandlog", "+function|list", "+eval_ro",
    *(f"{sign}{pattern}" for sign in ("~", "%R~", "%W~", "&") for pattern in PATTERNS),
]  # fmt: skip
# Accepted by Valkey's parser as the empty key, the empty channel; no access string means that.
EMPTY = {"~", "&"}


def engine_takes(text: str, profile: str) -> bool:
    """Whether ACL SETUSER of that profile takes the rules."""
    version = PROFILES[profile].commands_through
    user = User(b"ann")
    try:
        for rule in merge_selectors(text.encode().split()):
            apply_rule(user, rule, TABLES[profile], False, PROFILES[profile].is_valkey_from(9, 1))
    except RuleError:
        return False
    return version >= (6, 2, 0)


def construct_takes(text: str, version: EngineVersion) -> bool:
    try:
        AccessString.of(text).validate(version)
    except ValidationError:
        return False
    return True


def test_the_table_of_commands_is_the_engine_s() -> None:
    check = subprocess.run(
        [sys.executable, "-m", "tools.tables.acl_commands", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (check.returncode, check.stderr) == (0, "")


@pytest.mark.parametrize("profile", PROFILES)
@settings(max_examples=400, deadline=None)
@given(words=st.lists(st.sampled_from(WORDS), max_size=6))
def test_both_accept_the_same_rules(profile: str, words: list[str]) -> None:
    text, version = " ".join(words), VERSIONS[profile]
    if EMPTY & set(words) or (not version.at_least(valkey="7.2", redis="7.0") and _has_newer_syntax(words)):
        return
    assert construct_takes(text, version) == engine_takes(text, profile)


def _has_newer_syntax(words: list[str]) -> bool:
    """What the engine reads at every version and Redis 6.2 does not have: key permissions, selectors, sub-commands."""
    return any(word.startswith("%") or word == "clearselectors" or "|" in word for word in words)


@settings(max_examples=300, deadline=None)
@given(
    keys=st.lists(st.sampled_from(PATTERNS), max_size=3),
    reads=st.lists(st.sampled_from(PATTERNS), max_size=2),
    channels=st.lists(st.sampled_from(PATTERNS), max_size=3),
    commands=st.lists(st.sampled_from(["get", "set", "client|setname", "gett", "config", "hgetdel"]), max_size=3),
    categories=st.lists(st.sampled_from(["read", "write", "nonsense", "all"]), max_size=2),
    profile=st.sampled_from(sorted(PROFILES)),
)
def test_whatever_the_builder_makes_the_engine_takes(
    *, keys: list[str], reads: list[str], channels: list[str], commands: list[str], categories: list[str], profile: str
) -> None:
    try:
        built = AccessString.on().keys(*keys).read_keys(*reads).channels(*channels).commands(*commands)
        built = built.without_categories(*categories)
        built.validate(VERSIONS[profile])
    except ValidationError:
        return
    assert engine_takes(str(built), profile), str(built)


@settings(max_examples=200, deadline=None)
@given(
    publishes=st.lists(st.sampled_from(["*", "orders.*", "orders.placed"]), max_size=2),
    subscribes=st.lists(st.sampled_from(["*", "orders.*"]), max_size=2),
    enqueues=st.lists(st.sampled_from(["orders", "mails"]), max_size=2),
    works_on=st.sampled_from([None, "orders"]),
    keys=st.lists(st.sampled_from(["*", "state:*"]), max_size=2),
    profile=st.sampled_from(["valkey-7.2", "valkey-8.1", "valkey-9.1", "redis-7.1"]),
)
def test_whatever_a_service_of_the_pattern_does_its_rules_are_taken(
    *,
    publishes: list[str],
    subscribes: list[str],
    enqueues: list[str],
    works_on: str | None,
    keys: list[str],
    profile: str,
) -> None:
    service = MessagingService(
        image=ecs.ContainerImage.from_registry("python"),
        publishes=publishes,
        subscribes=subscribes,
        enqueues=enqueues,
        works_on=works_on,
        keys=keys,
    )
    rules = service.access_string(VERSIONS[profile].engine)
    rules.validate(VERSIONS[profile])
    assert engine_takes(str(rules), profile)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("on ~* ~a:*", "must have no key pattern after one for every key, got '~a:\\*'"),
        ("on &* &news", "must have no channel pattern after one for every channel, got '&news'"),
        ("on +gett", "must name commands that Valkey or Redis has, got '\\+gett'; did you mean 'get'"),
        ("on +@reed", "must name categories that ACL CAT lists, got '\\+@reed'; did you mean 'read'"),
        ("on (~a +get", "must have a closing parenthesis for each opening one"),
    ],
)
def test_the_message_says_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        AccessString.of(text)


@pytest.mark.parametrize("word", ["~a:*", "&news", "+get", "@read", "a b", ""])
def test_a_sign_given_twice_is_refused(word: str) -> None:
    with pytest.raises(ValidationError, match="must get names and patterns without the sign of a rule"):
        AccessString.on().keys(word)


@pytest.mark.parametrize(
    ("rule", "version"),
    [
        ("&news", EngineVersion.REDIS_6_0),
        ("%R~a", EngineVersion.REDIS_6_2),
        ("-client|setname", EngineVersion.REDIS_6_2),
        ("(+get ~a)", EngineVersion.REDIS_6_2),
        ("+client|setinfo", EngineVersion.REDIS_7_1),
        ("+hgetdel", EngineVersion.VALKEY_9_0),
        ("db=1", EngineVersion.VALKEY_9_0),
    ],
)
def test_a_rule_that_a_version_does_not_have_is_refused(rule: str, version: EngineVersion) -> None:
    access = AccessString.of(f"on {rule}")
    with pytest.raises(ValidationError, match=str(version)):
        access.validate(version)


@pytest.mark.parametrize("command", sorted(RESTRICTED_COMMANDS))
def test_a_restricted_command_may_be_denied(command: str) -> None:
    assert str(AccessString.on().without_commands(command)).endswith(f"-{command}")


def test_commands_of_modules_pass() -> None:
    AccessString.on().commands("json.get", "ft.search", "bf.add").categories("json").validate(EngineVersion.VALKEY_8_2)


@pytest.mark.parametrize("version", [EngineVersion.REDIS_6_0, EngineVersion.REDIS_6_2, EngineVersion.VALKEY_8_1])
def test_the_users_of_a_cache_made_by_default_have_rules_of_its_version(
    stack: cdk.Stack, vpc: ec2.IVpc, version: EngineVersion
) -> None:
    ReplicationGroup(stack, "Cache", vpc=vpc, engine_version=version)
    users = Template.from_stack(stack).find_resources("AWS::ElastiCache::User").values()
    texts = [user["Properties"]["AccessString"] for user in users]
    assert texts
    for text in texts:
        AccessString.of(text).validate(version)


def test_a_user_added_later_is_checked_for_the_version_of_the_cache(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    group = UserGroup(stack, "Users", users=[PasswordUser(stack, "Ann", access_string=AccessString.application())])
    ReplicationGroup(stack, "Cache", vpc=vpc, engine_version=EngineVersion.VALKEY_8_1, access=Access.user_group(group))
    group.add_user(PasswordUser(stack, "Bob", access_string=AccessString.on().commands("hgetdel")))
    with pytest.raises(RuntimeError, match=r"must name commands that valkey 8\.1 has"):
        Template.from_stack(stack)
