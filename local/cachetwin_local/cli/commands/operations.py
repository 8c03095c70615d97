"""``cachetwin failover``, ``reboot``, ``rotate`` and ``scale``: operations on a cache or a service that runs."""

from enum import StrEnum
from typing import Annotated

import typer

from cachetwin_local.cli.running_project import ask_supervisor, inform, state_of, status_of
from cachetwin_local.errors import UserError
from cachetwin_local.project import find_project

__all__ = ["Cache", "failover", "perform", "reboot", "rotate", "scale", "set_parameter"]

_DEADLINE_S = 600.0

Cache = Annotated[
    str, typer.Argument(metavar="CACHE", help="The cache's logical id, construct path or name on the service.")
]


def failover(
    context: typer.Context,
    cache: Cache,
    *,
    shard: Annotated[
        str | None, typer.Option("--shard", metavar="ID", help="The node group; needed where there are several.")
    ] = None,
    planned: Annotated[
        bool, typer.Option("--planned", help="Keep the old primary up as a replica, as an update of the service does.")
    ] = False,
    region: Annotated[
        str | None,
        typer.Option(
            "--region", metavar="REGION", help="CACHE is a global datastore: the region, or member, to promote."
        ),
    ] = None,
) -> None:
    """Let a replica take over from the primary, as TestFailover does: the primary goes down and is recovered.

    With --region another region of a global datastore takes the writes, as FailoverGlobalReplicationGroup does; the old
    one follows it.
    """
    perform(context, {"op": "failover", "cache": cache, "shard": shard, "planned": planned, "region": region})


def reboot(
    context: typer.Context,
    node: Annotated[str, typer.Argument(metavar="NODE", help="The node's id: `cachetwin status` lists them.")],
) -> None:
    """Restart a node of a cache. A primary without replicas loses its data."""
    perform(context, {"op": "reboot", "node": node})


class Strategy(StrEnum):
    """What a rotation does."""

    rotate = "rotate"
    set = "set"
    delete = "delete"


def rotate(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A secret of a cache, or the user or the cache that it belongs to.")
    ],
    *,
    strategy: Annotated[
        Strategy,
        typer.Option(
            "--strategy", help="rotate: a new value beside the earlier; set: the new one alone; delete: no AUTH token."
        ),
    ] = Strategy.rotate,
) -> None:
    """Rotate the password of a user or the AUTH token of a cache, while clients use it."""
    perform(context, {"op": "rotate", "name": name, "strategy": strategy.value})


def scale(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A service or a cache: its logical id or construct path.")
    ],
    tasks: Annotated[int | None, typer.Argument(metavar="[TASKS]", help="Tasks of a service, 0 to 50.")] = None,
    *,
    replicas: Annotated[
        int | None, typer.Option("--replicas", metavar="N", help="Replicas of each shard, 0 to 5.")
    ] = None,
    nodes: Annotated[
        int | None, typer.Option("--nodes", metavar="N", help="Nodes of a Memcached cluster, 1 to 40.")
    ] = None,
    shards: Annotated[
        int | None, typer.Option("--shards", metavar="N", help="Shards of a cache with cluster mode enabled, 1 to 500.")
    ] = None,
    node_type: Annotated[
        str | None, typer.Option("--node-type", metavar="TYPE", help="New nodes of this type, with the data.")
    ] = None,
) -> None:
    """Change the number of a service's tasks, or a cache's replicas, shards, node type or Memcached nodes, until the
    next `up`, while clients use it.
    """
    given = {"tasks": tasks, "replicas": replicas, "nodes": nodes, "shards": shards, "node_type": node_type}
    wanted = {name: value for name, value in given.items() if value is not None}
    if len(wanted) != 1:
        raise UserError(
            "scale needs the number of a service's tasks, or for a cache one of --replicas, --shards, --node-type and "
            f"--nodes, got {len(wanted) or 'none'}"
        )
    if tasks is not None:
        perform(context, {"op": "scale-service", "service": name, "count": tasks})
    else:
        perform(context, {"op": "scale", "cache": name, **wanted})


def set_parameter(
    context: typer.Context,
    cache: Cache,
    name: Annotated[str, typer.Argument(metavar="NAME", help="As a parameter group names it.")],
    value: Annotated[str, typer.Argument(metavar="VALUE")],
) -> None:
    """Set a parameter of a cache until the next `up`, at once or at the next reboot, as the service does."""
    perform(context, {"op": "set-parameter", "cache": cache, "name": name, "value": value})


def perform(context: typer.Context, request: dict[str, object]) -> None:
    """Let the supervisor carry out a request, and print what it says. Raises UserError."""
    state = state_of(find_project(context.obj))
    if state is None:
        raise UserError("nothing is running: start it with `cachetwin up`")
    status_of(state)  # a supervisor that hangs is found here; an operation may take long
    try:
        for answer in ask_supervisor(state, request, _DEADLINE_S):
            if "error" in answer:
                raise UserError(str(answer["error"]))
            inform(str(answer["done"] if "done" in answer else answer["progress"]))
            if "done" in answer:
                return
    except KeyboardInterrupt:
        inform("the change goes on: `cachetwin events -f` says when it is done")
        raise
    raise UserError("the supervisor stopped while it was asked")
