"""The Mermaid text of a picture; docs/pictures holds the reference architectures' (`tests/tools/test_pictures.py`)."""

import re

import pytest
from tests.local.drawing.architectures import ASSEMBLIES

from cachetwin_local.assembly.template import Assembly
from cachetwin_local.drawing.architecture import Architecture, Box, Edge
from cachetwin_local.drawing.mermaid import to_mermaid
from cachetwin_local.drawing.reading.survey import architecture_of


@pytest.mark.parametrize("assembly", ASSEMBLIES.values(), ids=ASSEMBLIES)
def test_every_edge_is_between_nodes_and_every_frame_is_closed(assembly: Assembly) -> None:
    text = to_mermaid(architecture_of(assembly))
    nodes = set(re.findall(r"^ *(\w+)[\[({]", text, re.MULTILINE))
    ends = re.findall(r"^ *(\w+) (?:-->|-\.->|--x|==>)\|[^|]*\| (\w+)$", text, re.MULTILINE)
    assert {name for pair in ends for name in pair} <= nodes
    assert len(re.findall(r"^ *subgraph ", text, re.MULTILINE)) == len(re.findall(r"^ *end$", text, re.MULTILINE))
    assert text.count('"') % 2 == 0


def test_names_that_are_words_of_mermaid_or_hold_its_marks_are_written_safely() -> None:
    boxes = (Box("end", "service", 'A "b" & <c>', "x", "r"), Box("A/b", "cache", "C", "y", "r"))
    text = to_mermaid(Architecture("t", ("r",), boxes=boxes, edges=(Edge("end", "A/b", "network", "1", ""),)))
    assert 'end_["A #34;b#34; #38; #60;c#62;<br/>x"]' in text
    assert "end_ -->|1| A_b" in text
