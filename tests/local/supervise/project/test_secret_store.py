"""Secrets as Secrets Manager generates them, kept in a file that only its owner may read."""

import json
import stat
import string
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.project.secret_store import SecretStore, generate_password
from cachetwin_local.topology.values import Attachment, GenerateSecretString, Secret, SecretRef

MakeSecret = Callable[..., Secret]

rules = st.builds(
    GenerateSecretString,
    password_length=st.integers(8, 200),
    exclude_characters=st.text(string.ascii_letters + string.digits + string.punctuation, max_size=20),
    exclude_numbers=st.booleans(),
    exclude_punctuation=st.booleans(),
    exclude_uppercase=st.booleans(),
    exclude_lowercase=st.booleans(),
    include_space=st.booleans(),
    require_each_included_type=st.booleans(),
)


def included(rule: GenerateSecretString) -> list[str]:
    kinds = [
        ("", string.ascii_lowercase)[not rule.exclude_lowercase],
        ("", string.ascii_uppercase)[not rule.exclude_uppercase],
        ("", string.digits)[not rule.exclude_numbers],
        ("", string.punctuation)[not rule.exclude_punctuation],
        ("", " ")[rule.include_space],
    ]
    return ["".join(set(kind) - set(rule.exclude_characters)) for kind in kinds]


@given(rules)
def test_a_password_has_the_length_and_only_the_characters_asked_for(rule: GenerateSecretString) -> None:
    kinds = [kind for kind in included(rule) if kind]
    if not kinds:
        with pytest.raises(UserError, match="excludes every character"):
            generate_password(rule)
        return
    password = generate_password(rule)
    assert len(password) == rule.password_length
    assert set(password) <= set("".join(kinds))
    if rule.require_each_included_type:
        assert all(set(password) & set(kind) for kind in kinds)


def test_every_allowed_character_turns_up_about_equally_often() -> None:
    rule = GenerateSecretString(password_length=4096, exclude_punctuation=True, require_each_included_type=False)
    text = "".join(generate_password(rule) for _ in range(20))
    expected = len(text) / 62
    counts = [text.count(character) for character in string.ascii_letters + string.digits]
    chi_squared = sum((count - expected) ** 2 / expected for count in counts)
    assert chi_squared < 130  # 61 degrees of freedom: exceeded once in a million runs


@pytest.mark.parametrize("length", [0, 3, 4097])
def test_a_length_that_no_password_can_have_is_refused(length: int) -> None:
    with pytest.raises(UserError, match=f"PasswordLength must be between 4 .* and 4096, got {length}"):
        generate_password(GenerateSecretString(password_length=length))


def test_a_generated_value_stays_until_the_template_asks_for_another_kind(tmp_path: Path, secret: MakeSecret) -> None:
    path = tmp_path / "secrets.json"
    asked = secret("Admin", generate=GenerateSecretString(password_length=20))
    values = []
    for wanted in (asked, asked, secret("Admin", generate=GenerateSecretString(password_length=24))):
        store = SecretStore(path)
        store.provision([wanted])
        values.append(store.secret_string(wanted))
    assert values[0] == values[1] != values[2]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_template_key_and_attachment_make_one_object(tmp_path: Path, secret: MakeSecret) -> None:
    rule = GenerateSecretString(secret_string_template='{"username": "admin"}', generate_string_key="password")
    attachment = Attachment("Database", {"host": "127.1.2.3", "port": 5432, "engine": "postgres"})
    wanted = secret("Admin", generate=rule, attachments=(attachment,))
    store = SecretStore(tmp_path / "secrets.json")
    store.provision([wanted])
    document = json.loads(store.secret_string(wanted))
    assert len(document.pop("password")) == 32
    assert document == {"username": "admin", "host": "127.1.2.3", "port": 5432, "engine": "postgres"}
    assert store.text(("at ", SecretRef(wanted.identity.arn, "host"), ":", SecretRef(wanted.identity.arn, "port"))) == (
        "at 127.1.2.3:5432"
    )


def test_a_reference_to_what_is_not_there_says_what_is_missing(tmp_path: Path, secret: MakeSecret) -> None:
    store = SecretStore(tmp_path / "secrets.json")
    store.provision([secret("Plain", value="just text"), secret("Empty")])
    with pytest.raises(UserError, match="arn:aws:secret is not in the template"):
        store.text((SecretRef("arn:aws:secret"),))
    with pytest.raises(UserError, match="has no key password"):
        store.text((SecretRef("plain", "password"),))
    with pytest.raises(UserError, match="the secret empty has no value"):
        store.text((SecretRef("empty"),))


def test_a_damaged_file_is_the_users_to_reset(tmp_path: Path) -> None:
    (tmp_path / "secrets.json").write_text('{"secrets": [')
    with pytest.raises(UserError, match="cachetwin reset"):
        SecretStore(tmp_path / "secrets.json")
