"""Files with values for the parameters of templates."""

from pathlib import Path

from cachetwin_local.assembly.template import Json
from cachetwin_local.assembly.template_text import parse_text
from cachetwin_local.errors import UserError

__all__ = ["read_parameters_file"]

_FORMS = "an object of names and values, or the AWS CLI's list of ParameterKey and ParameterValue"


def read_parameters_file(path: Path) -> dict[str, str]:
    """Values by parameter name (``NAME`` or ``STACK:NAME``) from a JSON or YAML file.

    The file holds an object, one under the name ``Parameters``, or the AWS CLI's list. Raises UserError for other forms.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"--parameters-file {path} cannot be read: {error}") from None
    document = parse_text(text, str(path))
    if isinstance(document, dict) and isinstance(document.get("Parameters"), dict):
        document = document["Parameters"]
    if isinstance(document, list):
        return dict(_pair(item, path) for item in document)
    if not isinstance(document, dict):
        raise UserError(f"--parameters-file {path} must hold {_FORMS}, got {type(document).__name__}")
    return {name: _value(name, value, path) for name, value in document.items()}


def _pair(item: Json, path: Path) -> tuple[str, str]:
    if isinstance(item, str) and "=" in item:
        name, _, value = item.partition("=")
        return name, value
    if not isinstance(item, dict) or not {"ParameterKey", "ParameterValue"} <= item.keys():
        raise UserError(f"--parameters-file {path} must hold {_FORMS}, got the item {item!r}")
    name = str(item["ParameterKey"])
    return name, _value(name, item["ParameterValue"], path)


def _value(name: str, value: Json, path: Path) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(_value(name, item, path) for item in value)
    if isinstance(value, dict) or value is None:
        raise UserError(
            f"--parameters-file {path}: the value of {name} must be a string, a number or a list, got {value!r}"
        )
    return str(value)
