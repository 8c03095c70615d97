"""Writes ``engine/region_offers.json`` of the constructs: what ElastiCache offers in each region.

    python -m tools.tables.region_offers            write the table
    python -m tools.tables.region_offers --check    exit 1 if it is not current

Families of nodes come from cfn-lint's copy of AWS's price list. They are complete families: no region lacks single sizes.
Resource types come from cfn-lint's copies of the CloudFormation registry of each region. The regions of global datastores
are those of the user guide's page "Prerequisites and limitations" (read in November 2026), where the registry has the type.
"""

import json
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

from tools.tables.written import write_or_check

TABLE = Path(__file__).parents[2] / "constructs" / "cachetwin_cdk" / "engine" / "region_offers.json"
_SCHEMAS = files("cfnlint") / "data" / "schemas"
_GLOBAL = "AWS::ElastiCache::GlobalReplicationGroup"
_GLOBAL_DATASTORES = frozenset(
    {
        "af-south-1", "ap-east-1", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-south-2",
        "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "ap-southeast-7",
        "ca-central-1", "ca-west-1", "cn-north-1", "cn-northwest-1", "eu-central-1", "eu-central-2", "eu-north-1",
        "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3", "il-central-1", "me-central-1", "me-south-1",
        "mx-central-1", "sa-east-1", "us-east-1", "us-east-2", "us-gov-east-1", "us-gov-west-1", "us-west-1", "us-west-2",
    }
)  # fmt: skip


def families() -> dict[str, list[str]]:
    """The families of nodes by region."""
    path = _SCHEMAS / "extensions" / "aws_elasticache_cachecluster" / "cachenodetype_enum.json"
    rows = json.loads(path.read_text())
    return {
        region: sorted({name.split(".")[1] for name in row["enum"]})
        for region, row in sorted(rows.items())
        if isinstance(row, dict)
    }


def missing_types(regions: list[str]) -> dict[str, list[str]]:
    """The regions without a resource type of ElastiCache, for each type that some region lacks."""
    found: dict[str, set[str]] = {}
    for region in regions:
        path = _SCHEMAS / "providers" / f"{region}.json"
        if path.is_file():
            found[region] = {name for name in json.loads(path.read_text()) if name.startswith("AWS::ElastiCache::")}
    missing = {name: {region for region in found if name not in found[region]} for name in set().union(*found.values())}
    missing[_GLOBAL] = missing.get(_GLOBAL, set()) | (set(regions) - _GLOBAL_DATASTORES)
    return {name: sorted(missing[name]) for name in sorted(missing) if missing[name]}


def table() -> str:
    """The text of the file: a line for each region and for each type."""
    nodes = families()
    parts: dict[str, dict[str, Any]] = {"families": nodes, "missing_types": missing_types(list(nodes))}
    blocks = [
        f' "{part}": {{\n' + ",\n".join(f'  "{key}": {json.dumps(row)}' for key, row in rows.items()) + "\n }"
        for part, rows in parts.items()
    ]
    return "{\n" + ",\n".join(blocks) + "\n}\n"


if __name__ == "__main__":
    sys.exit(write_or_check(TABLE, table, "tools.tables.region_offers"))
