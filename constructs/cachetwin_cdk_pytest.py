"""A pytest plugin: the fixture ``template_snapshot``, where syrupy is installed.

pytest finds it by itself once ``cachetwin-cdk`` is installed. It imports the constructs when a test asks for the fixture.
"""

import importlib.util
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import aws_cdk as cdk

if importlib.util.find_spec("syrupy") is not None:

    @pytest.fixture
    def template_snapshot(snapshot: Any) -> "Callable[[cdk.Stack], None]":  # noqa: ANN401  (syrupy's, which may be missing)
        """Assert that the template of a stack is the one that was reviewed.

        It is kept beside the test as ``__snapshots__/<module>/<test>.template.json``; ``pytest --snapshot-update`` writes
        it.
        """
        from aws_cdk.assertions import Template  # noqa: PLC0415  (takes seconds)

        from cachetwin_cdk.testing import TemplateSnapshot, normalised  # noqa: PLC0415  (as above)

        def check(stack: "cdk.Stack") -> None:
            template = normalised(dict(Template.from_stack(stack).to_json()))
            assert template == snapshot(extension_class=TemplateSnapshot)  # noqa: S101  (of a test)

        return check
