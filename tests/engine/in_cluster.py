"""One node in cluster mode, in this process."""

from tests.engine.in_process import Run, StartRun

from cachetwin_engine.core.cluster.state import ClusterNode, ClusterState
from cachetwin_engine.core.config.config import Config
from cachetwin_engine.core.config.profile import PROFILES
from cachetwin_engine.core.keyspace.slots import slot_of

OTHER = "0123456789012345678901234567890123456789"
SLOT_OF_A = slot_of(b"a")
OK = b"+OK\r\n"
DOWN = b"-CLUSTERDOWN The cluster is down\r\n"
UNBOUND = b"-CLUSTERDOWN Hash slot not served\r\n"
CROSS = b"-CROSSSLOT Keys in request don't hash to the same slot\r\n"


def start_in_cluster(start_run: StartRun, profile: str = "valkey-8.1", **parameters: str) -> Run:
    """A client of a fresh node in cluster mode."""
    config = Config(PROFILES[profile])
    for name, value in {"cluster_enabled": "yes", **parameters}.items():
        config.set_at_start(name.replace("_", "-"), value)
    return start_run(profile, config)


def words(reply: bytes) -> list[bytes]:
    """The elements of an array of bulk strings."""
    return reply.split(b"\r\n")[2::2]


def know_other(run: Run) -> ClusterState:
    """Let the node know another one."""
    cluster = run.engine.cluster
    assert cluster is not None
    cluster.add_node(ClusterNode(OTHER.encode(), b"f" * 40, "127.0.0.9", 7009, "other.example"))
    return cluster
