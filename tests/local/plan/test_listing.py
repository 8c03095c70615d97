"""Plans on terminals of any width, with names of any characters."""

import io

from rich.console import Console
from tests.local.resources.templates import CACHE, one, plan_of

from cachetwin_local.plan.render import render_table
from cachetwin_local.topology.values import Topology

WIDE, NARROW = 160, 40


def shown(topology: Topology, width: int) -> str:
    output = io.StringIO()
    Console(file=output, width=width).print(render_table(topology))
    return output.getvalue()


def test_a_narrow_terminal_gets_lists_with_whole_words() -> None:
    text = shown(plan_of(Sessions=one("ElastiCache::ReplicationGroup", **CACHE)), NARROW)
    assert "  App/Sessions\n" in text.replace(" " * (NARROW - len("  App/Sessions")) + "\n", "\n")
    assert "ElastiCache::ReplicationGroup" in text
    assert max(map(len, text.splitlines())) <= NARROW


def test_what_cannot_be_read_is_told_once_and_other_problems_stay() -> None:
    named = {**CACHE, "SnapshotArns": ["arn:aws:s3:::backups/one.rdb"]}
    topology = plan_of(
        Bad=one("ElastiCache::ReplicationGroup", **{**CACHE, "NumCacheClusters": 99}),
        Good=one("ElastiCache::ReplicationGroup", **named),
    )
    text = shown(topology, WIDE)
    assert text.count("must be between 1 and 6, got 99") == 1
    assert "starts empty: no local file stands for snapshot" in text


def test_brackets_in_names_are_no_markup() -> None:
    wanted = {"Fn::ImportValue": "[/bold]x[red]"}
    text = shown(plan_of(Bad=one("ElastiCache::ReplicationGroup", **{**CACHE, "CacheNodeType": wanted})), WIDE)
    assert text.count("[/bold]x[red]") == 2
