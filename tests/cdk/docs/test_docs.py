"""The fragments of the documentation that show constructs synthesise (marked ``construct``, see tests/docs/pages.py)."""

import pytest
from tests.docs.pages import Block, blocks, pages
from tools.reference_pages import template_of

FRAGMENTS = [block for page in pages() for block in blocks(page) if block.check == "construct"]


@pytest.mark.cdk
@pytest.mark.parametrize("block", FRAGMENTS, ids=lambda block: block.where)
def test_a_fragment_of_the_docs_synthesises_a_cache(block: Block) -> None:
    types = {resource["Type"] for resource in template_of(block.text)["Resources"].values()}
    assert any(kind.startswith("AWS::ElastiCache::") for kind in types)
