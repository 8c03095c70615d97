"""The text of a template, JSON or YAML, as JSON values.

YAML is CloudFormation's: version 1.1, without timestamps (``2010-09-09`` is a string), with a tag for each intrinsic
function (``!Ref name`` is ``{"Ref": "name"}``, ``!GetAtt a.b`` is ``{"Fn::GetAtt": ["a", "b"]}``). Source: the
CloudFormation user guide, "Template formats" and "Intrinsic function reference".
"""

import json
from collections.abc import Hashable
from typing import Final, cast

import yaml

from cachetwin_local.errors import UserError

from .template import Json

__all__ = ["parse_template_text", "parse_text"]

_TAGS_WITHOUT_PREFIX: Final = frozenset({"Ref", "Condition"})
_TIMESTAMP: Final = "tag:yaml.org,2002:timestamp"
_STRING: Final = "tag:yaml.org,2002:str"
_MERGE: Final = "tag:yaml.org,2002:merge"


def parse_template_text(text: str, name: str) -> dict[str, Json]:
    """The object that the text of the template `name` holds. Raises UserError when it is neither JSON nor YAML."""
    document = parse_text(text, name)
    if not isinstance(document, dict):
        got = "nothing" if document is None else type(document).__name__
        raise UserError(f"{name} must hold a template, an object with Resources, got {got}")
    return cast("dict[str, Json]", document)


def parse_text(text: str, name: str) -> Json:
    """The value that a text, JSON or YAML, holds. Raises UserError when it is neither."""
    text = text.removeprefix("\ufeff")
    if text.lstrip().startswith(("{", "[")):
        try:
            return json.loads(text)
        except ValueError:
            pass  # a flow collection of YAML starts like JSON
        except RecursionError:
            raise UserError(f"{name} is nested too deeply") from None
    return _from_yaml(text, name)


def _from_yaml(text: str, name: str) -> Json:
    try:
        return yaml.load(text, _Loader)  # noqa: S506  (a SafeLoader with constructors of our own)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise UserError(f"{name} must be JSON or YAML{place}: {error.problem or error.context}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise UserError(f"{name} must be JSON or YAML: {error}") from None
    except RecursionError:
        raise UserError(f"{name} is nested too deeply") from None


class _Loader(yaml.SafeLoader):
    """Reads YAML as CloudFormation does: functions as tags, no timestamps, names as strings."""

    yaml_implicit_resolvers = {  # noqa: RUF012  (the library's own form)
        first: [(tag, pattern) for tag, pattern in resolvers if tag != _TIMESTAMP]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Json]:  # noqa: FBT001, FBT002  (the library's signature)
        for key, _value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != _MERGE:
                key.tag = _STRING  # a port, an account or `on` as a name is a string, as in JSON
        return super().construct_mapping(node, deep=deep)


def _function(loader: _Loader, suffix: str, node: yaml.Node) -> Json:
    """A tag as the intrinsic function that it is short for."""
    value: Json
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(cast("yaml.MappingNode", node), deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in _TAGS_WITHOUT_PREFIX else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _function)
