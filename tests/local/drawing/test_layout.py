"""Everything of a picture has a place of its own, whatever the app."""

import itertools

import pytest
from tests.local.drawing.architectures import ASSEMBLIES

from cachetwin_local.drawing.layout.cards import PADDING, TEXT_SIZE, TITLE_SIZE
from cachetwin_local.drawing.layout.geometry import Layout, Rect
from cachetwin_local.drawing.layout.strands import lay_out
from cachetwin_local.drawing.layout.text_width import width_of
from cachetwin_local.drawing.reading.survey import architecture_of

LAYOUTS = {name: lay_out(architecture_of(assembly)) for name, assembly in ASSEMBLIES.items()}
pytestmark = pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)


def overlap(one: Rect, other: Rect) -> bool:
    return one.x < other.right and other.x < one.right and one.y < other.bottom and other.y < one.bottom


def holds(outer: Rect, inner: Rect) -> bool:
    return outer.x <= inner.x and inner.right <= outer.right and outer.y <= inner.y and inner.bottom <= outer.bottom


def boxes(layout: Layout) -> list[Rect]:
    return [card.rect for card in layout.cards] + [lane.rect for lane in layout.lanes]


def test_every_part_is_inside_the_canvas(layout: Layout) -> None:
    canvas = Rect(0, 0, layout.width, layout.height)
    frames = [part.rect for part in layout.groups] + [part.rect for part in layout.frames]
    assert [rect for rect in [*boxes(layout), *frames] if not holds(canvas, rect)] == []
    corners = [point for edge in layout.edges for point in edge.points]
    assert [(x, y) for x, y in corners if not (0 <= x <= layout.width and 0 <= y <= layout.height)] == []
    assert [line for line in layout.footer if not (line.x >= 0 and line.y <= layout.height)] == []


def test_many_boxes_make_a_picture_wide_rather_than_a_tower(layout: Layout) -> None:
    assert layout.height < 1.6 * layout.width


def test_no_two_boxes_overlap(layout: Layout) -> None:
    rects = boxes(layout)
    assert [pair for pair in itertools.combinations(rects, 2) if overlap(*pair)] == []


def test_no_two_frames_of_subnets_and_no_two_vpcs_overlap(layout: Layout) -> None:
    for rects in (
        [group.rect for group in layout.groups],
        [frame.rect for frame in layout.frames if frame.kind == "vpc"],
        [frame.rect for frame in layout.frames if frame.kind == "region"],
    ):
        assert [pair for pair in itertools.combinations(rects, 2) if overlap(*pair)] == []


def test_a_card_is_inside_its_subnets_and_no_others(layout: Layout) -> None:
    for placed in layout.cards:
        around = [group.group.key for group in layout.groups if overlap(group.rect, placed.rect)]
        assert around == ([placed.card.box.subnet_group] if placed.card.box.subnet_group else [])
        assert all(holds(g.rect, placed.rect) for g in layout.groups if overlap(g.rect, placed.rect))


def test_frames_hold_each_other(layout: Layout) -> None:
    vpcs = [frame.rect for frame in layout.frames if frame.kind == "vpc"]
    regions = [frame.rect for frame in layout.frames if frame.kind == "region"]
    assert all(any(holds(vpc, group.rect) for vpc in vpcs) for group in layout.groups)
    assert all(any(holds(region, vpc) for region in regions) for vpc in vpcs)
    assert all(any(holds(region, lane.rect) for region in regions) for lane in layout.lanes)
    outside = [card for card in layout.cards if not any(overlap(region, card.rect) for region in regions)]
    assert {card.card.box.kind for card in outside} <= {"users"}


def test_every_edge_ends_at_the_sides_of_its_boxes(layout: Layout) -> None:
    cards = [(placed.card.box.key, placed.rect) for placed in layout.cards]  # the users stand once in each strand
    for placed in layout.edges:
        for (x, y), key in ((placed.points[0], placed.edge.source), (placed.points[-1], placed.edge.target)):
            beside = [rect for name, rect in cards if name == key and x in {rect.x, rect.right}]
            assert any(rect.y <= y <= rect.bottom for rect in beside)


def test_every_box_is_drawn_once(layout: Layout) -> None:
    keys = [placed.card.box.key for placed in layout.cards if placed.card.box.kind != "users"]
    assert len(keys) == len(set(keys))


def test_every_edge_runs_straight_and_through_no_box(layout: Layout) -> None:
    rects = boxes(layout)
    for placed in layout.edges:
        for (x, y), (to_x, to_y) in itertools.pairwise(placed.points):
            assert x == to_x or y == to_y
            line = Rect(min(x, to_x) + 0.5, min(y, to_y), abs(x - to_x) - 1, abs(y - to_y))
            assert [rect for rect in rects if overlap(rect, line)] == []


def test_the_text_of_a_card_fits_into_it(layout: Layout) -> None:
    for placed in layout.cards:
        for line in placed.card.lines:
            bold = line.style == "title"
            width = width_of(line.text, TITLE_SIZE if bold else TEXT_SIZE, bold=bold)
            assert line.x + width <= placed.rect.width - PADDING / 2
            assert line.y <= placed.rect.height
        for cell in placed.card.cells:
            assert cell.x + cell.width <= placed.rect.width
            assert width_of(cell.text, TEXT_SIZE - 1) <= cell.width
