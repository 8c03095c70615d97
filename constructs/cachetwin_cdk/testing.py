"""Snapshot tests of templates with syrupy.

A template changes with every byte of an asset, because the asset's hash is its name. ``normalised`` replaces hashes by
one that stays, and leaves out what CDK adds for its own book-keeping. Needs ``syrupy``::

    def test_the_template_is_the_one_we_reviewed(snapshot: SnapshotAssertion) -> None:
        template = Template.from_stack(MyStack(App(), "My")).to_json()
        assert normalised(template) == snapshot(extension_class=TemplateSnapshot)
"""

import json
import re
from typing import Any

from syrupy.extensions.json import JSONSnapshotExtension

_HASH = re.compile(r"\b[0-9a-f]{64}\b")
_SAME_HASH = "0" * 64
# What the default synthesizer adds to every template: the check that the account is bootstrapped.
_BOOKKEEPING_PARAMETERS = frozenset({"BootstrapVersion"})
_BOOKKEEPING_RULES = frozenset({"CheckBootstrapVersion"})


def normalised(template: dict[str, Any]) -> dict[str, Any]:
    """A copy of ``template`` without asset hashes and without what CDK adds for its own use."""
    copy: dict[str, Any] = json.loads(_HASH.sub(_SAME_HASH, json.dumps(template)))
    _drop(copy, "Parameters", _BOOKKEEPING_PARAMETERS)
    _drop(copy, "Rules", _BOOKKEEPING_RULES)
    resources = copy.get("Resources", {})
    for name in [name for name, resource in resources.items() if resource["Type"] == "AWS::CDK::Metadata"]:
        del resources[name]
    return copy


def _drop(template: dict[str, Any], section: str, names: frozenset[str]) -> None:
    entries = template.get(section, {})
    for name in names & entries.keys():
        del entries[name]
    if not entries:
        template.pop(section, None)


class TemplateSnapshot(JSONSnapshotExtension):
    """One file per test, named ``<test>.template.json``."""

    file_extension = "template.json"
