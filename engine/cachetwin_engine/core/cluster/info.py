"""CLUSTER INFO's lines."""

from cachetwin_engine.core.config.profile import Profile

from .state import ClusterState
from .topology import FAILED


def info_lines(profile: Profile, cluster: ClusterState) -> list[str]:
    """The lines of CLUSTER INFO, and of INFO since 9.1. There is no cluster bus: nodes do not vote on failures."""
    nodes = list(cluster.nodes.values())
    failed = [node for node in nodes if node.health == FAILED]
    assigned = sum([node.slot_count for node in nodes])
    unserved = sum([node.slot_count for node in failed])
    lines = [
        f"cluster_state:{'ok' if cluster.healthy else 'fail'}", f"cluster_slots_assigned:{assigned}",
        f"cluster_slots_ok:{assigned - unserved}", "cluster_slots_pfail:0", f"cluster_slots_fail:{unserved}",
    ]  # fmt: skip
    if profile.counts_failing_nodes:
        voting = sum([1 for node in failed if node.slot_count])
        lines += [
            "cluster_nodes_pfail:0", f"cluster_nodes_fail:{len(failed)}", "cluster_voting_nodes_pfail:0",
            f"cluster_voting_nodes_fail:{voting}",
        ]  # fmt: skip
    lines += [
        f"cluster_known_nodes:{len(nodes)}", f"cluster_size:{cluster.size()}",
        f"cluster_current_epoch:{cluster.current_epoch}", f"cluster_my_epoch:{cluster.myself.serving().epoch}",
        "cluster_stats_messages_sent:0", "cluster_stats_messages_received:0",
    ]  # fmt: skip
    if profile.counts_bus_bytes:
        for kind in ("", "pubsub_", "module_"):
            lines += [f"cluster_stats_{kind}bytes_sent:0", f"cluster_stats_{kind}bytes_received:0"]
    return [*lines, "total_cluster_links_buffer_limit_exceeded:0"]
