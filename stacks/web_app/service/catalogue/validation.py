"""What a request may say. Each check collects every problem, so that a client mends them in one go."""

import json
from dataclasses import dataclass
from typing import Any, Final

PRODUCT_ID_MAX: Final = 2**63 - 1  # bigint
PAGE_MAX: Final = 10_000
SEARCH_LENGTH_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class TextField:
    """A string of ``least`` to ``most`` characters once the white space around it is gone."""

    least: int
    most: int

    def problem(self, value: object) -> str | None:
        """What is wrong with ``value``, or None."""
        if not isinstance(value, str):
            return f"must be text, got {_kind(value)}"
        if not self.least <= len(value.strip()) <= self.most:
            return f"must have {self.least} to {self.most} characters, got {len(value.strip())}"
        if any((ord(character) < 32 and character not in "\n\t") or character == "\x7f" for character in value):
            return "must not contain control characters"
        if any("\ud800" <= character <= "\udfff" for character in value):
            return "must be valid Unicode, got a lone surrogate"
        return None

    def clean(self, value: str) -> str:
        """The value to store."""
        return value.strip()


@dataclass(frozen=True, slots=True)
class IntegerField:
    """A whole number from 0 to ``most``."""

    most: int

    def problem(self, value: object) -> str | None:
        """What is wrong with ``value``, or None."""
        if isinstance(value, bool) or not isinstance(value, int):
            return f"must be a whole number, got {_kind(value)}"
        if not 0 <= value <= self.most:
            return f"must be from 0 to {self.most}"
        return None

    def clean(self, value: int) -> int:
        """The value to store."""
        return value


FIELDS: Final[dict[str, TextField | IntegerField]] = {
    "name": TextField(1, 120),
    "category": TextField(1, 60),
    "description": TextField(0, 2_000),
    "price_cents": IntegerField(100_000_000),
    "stock": IntegerField(1_000_000),
}


class InvalidRequest(Exception):
    """A request that cannot be served as it stands: the status to answer and, field by field, what to mend."""

    def __init__(self, status: int, message: str, fields: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.fields = fields or {}


def product_fields(body: bytes, *, partial: bool) -> dict[str, Any]:
    """The product's fields from a JSON object; all of them, or with ``partial`` at least one.

    Raises InvalidRequest: 400 for what is not a JSON object, 422 for fields that break a rule.
    """
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        raise InvalidRequest(400, "the body must be a JSON object, and it is not JSON") from None
    if not isinstance(given, dict):
        raise InvalidRequest(400, f"the body must be a JSON object, got {_kind(given)}")
    problems = {
        name: f"is not a field of a product; there are {', '.join(FIELDS)}" for name in given if name not in FIELDS
    }
    if not partial:
        problems |= {name: "is required" for name in FIELDS if name not in given}
    elif not given:
        raise InvalidRequest(422, f"the body must have at least one of {', '.join(FIELDS)}")
    for name, field in FIELDS.items():
        if name in given and (problem := field.problem(given[name])):
            problems[name] = problem
    if problems:
        raise InvalidRequest(422, "some fields are not valid", problems)
    return {name: FIELDS[name].clean(value) for name, value in given.items()}


def product_id(text: str) -> int:
    """A product's id from a path. Raises InvalidRequest."""
    return _number("id", text, PRODUCT_ID_MAX)


def page_number(text: str) -> int:
    """A page from a query string. Raises InvalidRequest."""
    return _number("page", text, PAGE_MAX)


def search_text(text: str) -> str:
    """A search from a query string, its white space and case made uniform so that equal searches share a key."""
    words = " ".join(text.split())
    if problem := TextField(1, SEARCH_LENGTH_MAX).problem(words):
        raise InvalidRequest(422, "the search is not valid", {"q": problem})
    return words.lower()


def category_name(text: str) -> str:
    """A category from a query string; "" is every category. Raises InvalidRequest."""
    if problem := TextField(0, 60).problem(text):
        raise InvalidRequest(422, "the category is not valid", {"category": problem})
    return text.strip()


def _number(name: str, text: str, most: int) -> int:
    value = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0
    if not 1 <= value <= most:
        raise InvalidRequest(422, f"the {name} is not valid", {name: f"must be a whole number from 1 to {most}"})
    return value


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number"}
    return names.get(type(value), "null")
