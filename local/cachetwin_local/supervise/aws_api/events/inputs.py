"""What a target is given of an event: all of it, a part, a constant, or a template filled in. Pure.

Sources: "Amazon EventBridge input transformation", EventBridge user guide; "Adding context attributes", EventBridge
Scheduler user guide.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

__all__ = ["filled", "input_of", "value_at"]

_STEP: Final = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\[['\"]([^'\"]+)['\"]\]")
_PLACEHOLDER: Final = re.compile(r"<([A-Za-z0-9_.\-]+)>")


def input_of(target: Mapping[str, Any], event: Mapping[str, Any], rule_arn: str, ingested: str) -> str:
    """The text that a target of a rule receives. `ingested` is when the event came, in ISO 8601."""
    if target.get("Input") is not None:
        return str(target["Input"])
    if target.get("InputPath"):
        return json.dumps(value_at(str(target["InputPath"]), event))
    transformer = target.get("InputTransformer")
    if not transformer:
        return json.dumps(event)
    values = {name: value_at(path, event) for name, path in (transformer.get("InputPathsMap") or {}).items()}
    whole = {name: value for name, value in event.items() if name != "detail"}
    values |= {
        "aws.events.rule-arn": rule_arn,
        "aws.events.rule-name": rule_arn.rpartition("/")[2],
        "aws.events.event.ingestion-time": ingested,
        "aws.events.event": whole,
        "aws.events.event.json": dict(event),
    }
    return _from_template(str(transformer["InputTemplate"]), values)


def value_at(path: str, event: object) -> Any:  # noqa: ANN401  (JSON)
    """The value at a JSON path such as ``$.detail.items[0].id``; None where there is none."""
    rest, value = path.removeprefix("$"), event
    while rest:
        step = _STEP.match(rest)
        if step is None:
            return None
        rest = rest[step.end() :]
        name, index = step[1] or step[3], step[2]
        if name is not None:
            value = value.get(name) if isinstance(value, dict) else None
        else:
            value = value[int(index)] if isinstance(value, list) and int(index) < len(value) else None
    return value


def filled(template: str, values: Mapping[str, str]) -> str:
    """A text with ``<name>`` replaced by values; other names stay."""
    return _PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), template)


def _from_template(template: str, values: Mapping[str, Any]) -> str:
    """Within quotes a value is text; outside it is JSON."""
    parts: list[str] = []
    quoted, at = False, 0
    for match in _PLACEHOLDER.finditer(template):
        before = template[at : match.start()]
        parts.append(before)
        quoted = _ends_quoted(before, begins_quoted=quoted)
        at = match.end()
        if match[1] not in values:
            parts.append(match[0])
            continue
        value = values[match[1]]
        text = value if isinstance(value, str) else "" if value is None else json.dumps(value)
        if quoted:
            parts.append(json.dumps(text)[1:-1])
        else:
            parts.append(json.dumps("" if value is None else value))
    parts.append(template[at:])
    return "".join(parts)


def _ends_quoted(text: str, *, begins_quoted: bool) -> bool:
    quotes = len(re.findall(r'"', re.sub(r"\\.", "", text, flags=re.DOTALL)))
    return begins_quoted is (quotes % 2 == 0)
