"""Access strings allow what was named, and refuse what ElastiCache refuses."""

import pytest

from cachetwin_cdk import AccessString, ValidationError


@pytest.mark.parametrize(
    ("built", "text"),
    [
        (AccessString.on(), "on resetchannels -@all"),
        (AccessString.off(), "off resetchannels -@all"),
        (AccessString.full_access(), "on ~* &* +@all"),
        (AccessString.application(), "on ~* &* +@all -@admin -@dangerous +info"),
        (AccessString.read_only(), "on ~* resetchannels -@all +@read +@connection -@dangerous"),
        (AccessString.read_only("a:*"), "on ~a:* resetchannels -@all +@read +@connection -@dangerous"),
        (AccessString.on().keys("a:*", "b").commands("get", "set"), "on ~a:* ~b resetchannels -@all +get +set"),
        (AccessString.on().read_keys("a").write_keys("b"), "on %R~a %W~b resetchannels -@all"),
        (AccessString.on().channels("news:*").categories("pubsub"), "on &news:* -@all +@pubsub"),
        (
            AccessString.on().categories("write").without_commands("flushall", "config|set"),
            "on resetchannels -@all +@write -flushall -config|set",
        ),
        (AccessString.of("on ~* +@all"), "on ~* +@all"),
        (AccessString.of("on ~a (+get ~b) clearselectors"), "on ~a (+get ~b) clearselectors"),
    ],
)
def test_rules_are_written_in_the_order_they_apply(built: AccessString, text: str) -> None:
    assert str(built) == text


@pytest.mark.parametrize(
    ("text", "on", "decided"),
    [("on ~* +@all", True, True), ("off -@all", False, True), ("~* +@all", False, False), ("on off", False, True)],
)
def test_the_last_word_decides_whether_a_user_is_on(text: str, on: bool, decided: bool) -> None:  # noqa: FBT001  (values under test)
    access = AccessString.of(text)
    assert (access.is_on, access.says_on_or_off) == (on, decided)


@pytest.mark.parametrize("rule", [">secret-secret-1234", "<old", "#abc", "!abc", "nopass", "resetpass"])
def test_passwords_do_not_belong_in_rules(rule: str) -> None:
    with pytest.raises(ValidationError, match="must hold no password rule") as caught:
        AccessString.of(f"on ~* +@all {rule}")
    if rule[0] in "><#!":
        assert rule not in str(caught.value)


def test_reset_is_refused() -> None:
    with pytest.raises(ValidationError, match="must not hold 'reset'"):
        AccessString.of("reset on")


@pytest.mark.parametrize("command", ["config", "CONFIG", "config|get", "debug", "shutdown"])
def test_a_command_that_the_service_keeps_to_itself_is_refused(command: str) -> None:
    with pytest.raises(ValidationError, match="must not allow a command that ElastiCache restricts"):
        AccessString.of(f"on +{command}")
    with pytest.raises(ValidationError, match="must not allow a command that ElastiCache restricts"):
        AccessString.on().commands(command)


def test_a_restricted_command_may_be_taken_away() -> None:
    assert str(AccessString.on().without_commands("config")) == "on resetchannels -@all -config"


@pytest.mark.parametrize("rule", ["get", "~", "&", "+", "+@", "+get;", "%Q~a", "allthings"])
def test_what_is_no_rule_is_refused(rule: str) -> None:
    with pytest.raises(ValidationError, match="access_string must "):
        AccessString.of(f"on {rule}")


def test_a_pattern_with_a_space_is_refused() -> None:
    with pytest.raises(ValidationError, match="access_string must "):
        AccessString.on().keys("a b")


def test_finished_text_cannot_be_extended() -> None:
    with pytest.raises(ValidationError, match="must be built from on"):
        AccessString.of("on").keys("a")


def test_tokens_are_accepted(any_text: str) -> None:
    assert str(AccessString.of(any_text)) == any_text
    assert AccessString.of(any_text).says_on_or_off
    assert f"~{any_text}" in str(AccessString.on().keys(any_text))
