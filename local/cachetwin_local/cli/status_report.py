"""What `cachetwin status` prints. Where stdout is no terminal it imports nothing that draws on one."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cachetwin_local.cli.running_project import inform, state_of, status_of
from cachetwin_local.project import find_project
from cachetwin_local.tables import endpoint_table, output_lines, plain, status_tables

__all__ = ["report_status"]

_NOT_RUNNING = 3


def report_status(folder: Path, *, as_json: bool) -> int:
    """Print what runs in the project of `folder`. The exit status: 0 all is ready, 1 something is not, 3 nothing runs."""
    state = state_of(find_project(folder))
    if state is None:
        if as_json:
            sys.stdout.write(json.dumps({"running": False}) + "\n")
        else:
            inform("not running: start it with `cachetwin up`")
        return _NOT_RUNNING
    found = status_of(state)
    if as_json:
        sys.stdout.write(json.dumps(found, indent=1) + "\n")
    else:
        _print(found)
    return 0 if all(resource["state"] == "ready" for resource in found["resources"]) else 1


def _print(found: Mapping[str, Any]) -> None:
    if sys.stdout.isatty():
        from cachetwin_local.screen import drawn, show_endpoints, stdout_console  # noqa: PLC0415  (slow to import)

        console = stdout_console()
        for table in status_tables(found):
            console.print(drawn(table))
            console.print()
        show_endpoints(found)
    else:
        for table in status_tables(found):
            sys.stdout.write(f"{plain(table)}\n")
        sys.stdout.write(plain(endpoint_table(found["endpoints"])))
        sys.stdout.writelines(f"{line}\n" for line in output_lines(found))
        sys.stdout.flush()
    for part in found["parts"]:
        if part["state"] != "ready":
            inform(f"{part['resource']}: {part['name']} is {part['state']}: {part['detail']}")
    inform(
        f"{found['project']}: up for {found['up_s']:.0f} s (pid {found['pid']}), stacks {', '.join(found['stacks'])}"
    )
