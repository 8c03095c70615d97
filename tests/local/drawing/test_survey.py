"""What the pictures of whole apps hold, and that nothing of a template is missing."""

import copy
import json
from pathlib import Path

import pytest
from tests.local.drawing.architectures import ASSEMBLIES
from tools.pictures import ROOT, assembly_of

from cachetwin_local.assembly.template import Assembly, Json
from cachetwin_local.drawing.architecture import Architecture, Box
from cachetwin_local.drawing.reading.network import PARTS
from cachetwin_local.drawing.reading.survey import architecture_of

WEB_APP = ROOT / "tests" / "golden" / "web_app.template.json"


@pytest.fixture(scope="module")
def web_app() -> Architecture:
    return architecture_of(ASSEMBLIES["web_app"])


def box(architecture: Architecture, title: str) -> Box:
    (found,) = [box for box in architecture.boxes if box.title == title]
    return found


def reach(architecture: Architecture) -> set[tuple[str, str, str, str]]:
    titles = {box.key: box.title for box in architecture.boxes}
    return {(titles[e.source], titles[e.target], e.kind, e.label) for e in architecture.edges}


def changed(tmp_path: Path, change: dict[str, Json], remove: tuple[str, ...] = ()) -> Architecture:
    """The web app with resources added (or replaced) and without some, by parts of their logical ids."""
    template = copy.deepcopy(json.loads(WEB_APP.read_text()))
    resources = template["Resources"]
    template["Resources"] = {
        name: value for name, value in resources.items() if not any(part in name for part in remove)
    } | change
    path = tmp_path / "template.json"
    path.write_text(json.dumps(template))
    return architecture_of(assembly_of(CachetwinWebApp=path))


@pytest.mark.parametrize("assembly", ASSEMBLIES.values(), ids=ASSEMBLIES)
def test_every_resource_is_in_exactly_one_place(assembly: Assembly) -> None:
    architecture = architecture_of(assembly)
    types = {r.key: r.type for stack in assembly.stacks.values() for r in stack.resources.values()}
    named = [box.key for box in architecture.boxes if box.kind != "users"]
    named += [entry.key for lane in architecture.lanes for entry in lane.entries]
    named += [key for key, kind in types.items() if kind in PARTS]
    assert len(set(named)) == len(named)
    counted = sum(count.number for count in (*architecture.supporting, *architecture.not_modelled))
    assert len(named) + counted == len(types)


@pytest.mark.parametrize("assembly", ASSEMBLIES.values(), ids=ASSEMBLIES)
def test_our_own_templates_hold_nothing_that_is_not_modelled(assembly: Assembly) -> None:
    architecture = architecture_of(assembly)
    assert (architecture.not_modelled, architecture.unread) == ((), ())


def test_the_web_app_has_its_boxes_in_their_subnets(web_app: Architecture) -> None:
    groups = {group.key: group.kind for vpc in web_app.vpcs for group in vpc.groups}
    assert {b.title: groups.get(b.subnet_group or "") for b in web_app.boxes} == {
        "Users": None,
        "Front": "public",
        "Service": "private",
        "Cache": "isolated",
        "Database": "isolated",
    }
    assert [group.notes for group in web_app.vpcs[0].groups] == [("NAT gateway in us-east-1a",), (), ()]


def test_the_web_apps_edges_are_what_its_security_groups_allow(web_app: Architecture) -> None:
    assert reach(web_app) == {
        ("Users", "Front", "network", "80"),
        ("Front", "Service", "network", "8080"),
        ("Service", "Cache", "network", "6379"),
        ("Service", "Database", "network", "5432"),
    }


def test_the_cache_shows_its_engine_nodes_and_zones(web_app: Architecture) -> None:
    cache = box(web_app, "Cache")
    assert cache.label == "Amazon ElastiCache, cluster mode disabled"
    assert cache.details[:2] == ("Valkey 8.1 cache.t4g.small", "TLS required")
    assert cache.grid is not None
    assert cache.grid.zones == ("us-east-1a", "us-east-1b")
    assert [row.cells for row in cache.grid.rows] == [(("primary",), ("replica",))]


def test_shards_are_rows_and_every_node_is_there() -> None:
    cache = box(architecture_of(ASSEMBLIES["cluster"]), "Cache")
    assert cache.grid is not None
    assert [row.label for row in cache.grid.rows] == ["shard 1", "shard 2"]
    nodes = [[node for cell in row.cells for node in cell] for row in cache.grid.rows]
    assert [sorted(row) for row in nodes] == [["primary", "replica", "replica"]] * 2


def test_functions_queues_and_schedules_are_connected() -> None:
    assert reach(architecture_of(ASSEMBLIES["messaging"])) >= {
        ("MeterSchedule", "Meter", "invoke", "invokes"),
        ("Meter", "Cache", "network", "6379"),
        ("Worker", "Cache", "network", "6379"),
    }
    assert reach(architecture_of(ASSEMBLIES["session_api"])) == {
        ("Users", "Api", "network", "443"),
        ("Api", "Function", "invoke", "invokes"),
        ("Function", "Cache", "network", "6379, 6380"),
    }


def test_the_primary_of_a_global_datastore_replicates_to_the_secondary() -> None:
    architecture = architecture_of(ASSEMBLIES["global_datastore"])
    (edge,) = [edge for edge in architecture.edges if edge.kind == "replication"]
    assert (edge.source.partition("/")[0], edge.target.partition("/")[0]) == ("primary", "secondary")


def test_a_missing_rule_is_drawn_as_a_blocked_edge(tmp_path: Path) -> None:
    architecture = changed(tmp_path, {}, remove=("WebAppCacheSecurityGroupfrom",))
    assert ("Service", "Cache", "blocked", "6379") in reach(architecture)


def test_a_type_that_is_not_modelled_is_named_and_counted(tmp_path: Path) -> None:
    made = {f"Tape{n}": {"Type": "AWS::Tape::Robot", "Properties": {}} for n in range(3)}
    architecture = changed(tmp_path, made)
    assert [(count.type, count.number) for count in architecture.not_modelled] == [("AWS::Tape::Robot", 3)]


def test_a_resource_that_cannot_be_resolved_is_drawn_and_the_reason_given(tmp_path: Path) -> None:
    made = {
        "Elsewhere": {
            "Type": "AWS::Lambda::Function",
            "Properties": {"Runtime": "python3.13", "Role": {"Fn::ImportValue": "of-another-app"}},
        }
    }
    architecture = changed(tmp_path, made)
    assert box(architecture, "Elsewhere").details == ("python3.13",)
    (unread,) = architecture.unread
    assert unread.key == "CachetwinWebApp/Elsewhere"
    assert "of-another-app" in unread.reason


def test_subnets_of_another_app_make_a_vpc_that_is_said_to_be_elsewhere(tmp_path: Path) -> None:
    made = {
        "Inside": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Runtime": "nodejs24.x",
                "VpcConfig": {"SubnetIds": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1"]},
            },
        }
    }
    architecture = changed(tmp_path, made)
    assert [vpc.title for vpc in architecture.vpcs] == ["Vpc", "not defined in this app"]
    assert box(architecture, "Inside").subnet_group == architecture.vpcs[1].groups[0].key
