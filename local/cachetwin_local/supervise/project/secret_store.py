"""The secrets of a project: generated as Secrets Manager generates them, kept in one file that only its owner may read.

A generated value stays the same from one run to the next until the template asks for another kind of value (another
length, another template, ...); CloudFormation generates a new value in that case, and so does this. A value that the
template states, and the keys that a SecretTargetAttachment adds, are not stored: they are computed at each start.
"""

import hashlib
import json
import secrets as randomness
import string
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import quote

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.process.private_file import write_private
from cachetwin_local.topology.values import GenerateSecretString, Secret, SecretRef, Text, secrets_in, show

__all__ = ["SecretStore", "generate_password"]

_LENGTH_MAX = 4096  # GetRandomPassword's PasswordLength, Secrets Manager API reference
_MASK_LENGTH_MIN = 8  # shorter values would mask ordinary words in the logs


def generate_password(rule: GenerateSecretString) -> str:
    """A password as GetRandomPassword makes it. Raises UserError when no password can obey `rule`."""
    kinds = _kinds(rule)
    alphabet = "".join(kinds)
    if not alphabet:
        raise UserError("a secret excludes every character, so no password can be generated: allow some")
    required = kinds if rule.require_each_included_type else []
    if not max(1, len(required)) <= rule.password_length <= _LENGTH_MAX:
        raise UserError(
            f"a secret's PasswordLength must be between {max(1, len(required))} (one character of each included type) "
            f"and {_LENGTH_MAX}, got {rule.password_length}"
        )
    characters = [randomness.choice(kind) for kind in required]
    characters += [randomness.choice(alphabet) for _ in range(rule.password_length - len(required))]
    randomness.SystemRandom().shuffle(characters)
    return "".join(characters)


def _kinds(rule: GenerateSecretString) -> list[str]:
    """The included character types, each less the excluded characters; types with none left are dropped."""
    kinds = [
        "" if rule.exclude_lowercase else string.ascii_lowercase,
        "" if rule.exclude_uppercase else string.ascii_uppercase,
        "" if rule.exclude_numbers else string.digits,
        "" if rule.exclude_punctuation else string.punctuation,
        " " if rule.include_space else "",
    ]
    allowed = ("".join(c for c in kind if c not in rule.exclude_characters) for kind in kinds)
    return [kind for kind in allowed if kind]


@dataclass(slots=True)
class _Stored:
    """The stored part of one secret. `earlier` is the password that a rotation has replaced."""

    specification: str
    password: str
    earlier: str = ""


@dataclass(slots=True)
class SecretStore:
    """The values behind the topology's references.

    `path` is the file; it is made when the first value is generated. Internal values (the database's own superuser)
    live in the same file under names that no template can take.
    """

    path: Path
    _stored: dict[str, _Stored] = field(default_factory=dict)
    _secrets: dict[str, Secret] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.path.exists():
            return
        try:
            content = json.loads(self.path.read_text())
            self._stored = {key: _Stored(**entry) for key, entry in content["secrets"].items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(
                f"{self.path} is not a secrets file of cachetwin: run `cachetwin reset` to start afresh"
            ) from error

    def provision(self, secrets: Iterable[Secret]) -> None:
        """Make these the project's secrets: generate those that are missing or whose rule changed; drop no value."""
        self._secrets = {secret.identity.key: secret for secret in secrets}
        changed = False
        for key, secret in self._secrets.items():
            if secret.generate is not None:
                changed |= self._generate(key, secret.generate)
        if changed:
            self._save()

    def internal(self, name: str) -> str:
        """The value of Cachetwin's own secret `name`: 40 letters and digits, generated at its first use."""
        if self._generate(f"internal:{name}", GenerateSecretString(password_length=40, exclude_punctuation=True)):
            self._save()
        return self._stored[f"internal:{name}"].password

    def text(self, text: Text) -> str:
        """`text` with every reference replaced by its value. Raises UserError for a secret or key that is not there."""
        if isinstance(text, str):
            return text
        return "".join(part if isinstance(part, str) else self._resolve(part) for part in text)

    def earlier_text(self, text: Text) -> str | None:
        """`text` with the values before the last rotation; None where none of its secrets was rotated."""
        if isinstance(text, str) or not any(self._stored_of(reference).earlier for reference in secrets_in(text)):
            return None
        return "".join(part if isinstance(part, str) else self._resolve(part, earlier=True) for part in text)

    def rotate(self, secret: Secret) -> None:
        """Generate a new value and keep the one before. Raises UserError for a value that the template states."""
        if secret.generate is None:
            raise UserError(f"the secret {secret.name} has its value from the template: change it there and apply it")
        stored = self._stored[secret.identity.key]
        stored.earlier, stored.password = stored.password, generate_password(secret.generate)
        self._save()

    def end_earlier(self, secret: Secret) -> None:
        """Forget the value before the last rotation."""
        if secret.identity.key in self._stored:
            self._stored[secret.identity.key].earlier = ""
            self._save()

    def all(self) -> list[Secret]:
        """Every secret of the project."""
        return list(self._secrets.values())

    def secret_string(self, secret: Secret) -> str:
        """The whole SecretString of `secret`, with what its attachments add."""
        return self._secret_string(secret, earlier=False)

    def _stored_of(self, reference: SecretRef) -> _Stored:
        secret = self._find(reference.secret_arn)
        return self._stored.get(secret.identity.key) or _Stored("", "")

    def _secret_string(self, secret: Secret, *, earlier: bool) -> str:
        value = self._base(secret, earlier=earlier)
        if not secret.attachments:
            return value
        try:
            document = json.loads(value)
        except ValueError as error:
            raise UserError(
                f"the secret {secret.name} is attached to a target, so its value must be a JSON object"
            ) from error
        for attachment in secret.attachments:
            document.update(attachment.values)
        return json.dumps(document)

    def values_to_mask(self) -> frozenset[str]:
        """Every generated value, plain, JSON-escaped and URL-escaped, for the logs to mask."""
        stored = [password for entry in self._stored.values() for password in (entry.password, entry.earlier)]
        values = [password for password in stored if len(password) >= _MASK_LENGTH_MIN]
        return frozenset(form for value in values for form in (value, json.dumps(value)[1:-1], quote(value, safe="")))

    def _base(self, secret: Secret, *, earlier: bool) -> str:
        if secret.generate is None:
            if secret.value is None:
                raise UserError(
                    f"the secret {secret.name} has no value: give it one in the template, or let it be generated"
                )
            return self.text(secret.value)
        stored = self._stored[secret.identity.key]
        password = stored.earlier if earlier and stored.earlier else stored.password
        rule = secret.generate
        if rule.generate_string_key is None:
            return password
        document = json.loads(self.text(rule.secret_string_template or "{}"))
        return json.dumps({**document, rule.generate_string_key: password})

    def _resolve(self, reference: SecretRef, *, earlier: bool = False) -> str:
        value = self._secret_string(self._find(reference.secret_arn), earlier=earlier)
        if not reference.json_key:
            return value
        try:
            found = json.loads(value)[reference.json_key]
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"the secret {reference.secret_arn} has no key {reference.json_key}: add it to the secret's template"
            ) from error
        return found if isinstance(found, str) else json.dumps(found)

    def _find(self, arn_or_name: str) -> Secret:
        for secret in self._secrets.values():
            if arn_or_name in {secret.identity.arn, secret.name, secret.identity.physical_name}:
                return secret
        raise UserError(f"the secret {arn_or_name} is not in the template: define it in one of the app's stacks")

    def _generate(self, key: str, rule: GenerateSecretString) -> bool:
        described = {**asdict(rule), "secret_string_template": show(rule.secret_string_template or "")}
        specification = hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()
        stored = self._stored.get(key)
        if stored is not None and stored.specification == specification:
            return False
        self._stored[key] = _Stored(specification, generate_password(rule))
        return True

    def _save(self) -> None:
        content = {"secrets": {key: asdict(entry) for key, entry in self._stored.items()}}
        write_private(self.path, json.dumps(content, indent=1).encode())
