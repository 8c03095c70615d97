"""ElastiCache's auto discovery: the list of the cluster's nodes, which any node answers with.

``config get cluster`` and, for older clients, the key ``AmazonElastiCache:cluster`` give a version and the nodes. The
version is raised on every change, so that a client that asks once a minute sees it. (AutoDiscovery in ElastiCache's user
guide.)
"""

from typing import Final, final

CLUSTER_KEY: Final = b"AmazonElastiCache:cluster"


@final
class Cluster:
    """The nodes of the cluster as a client reads them; ``text`` is empty where there is no cluster."""

    def __init__(self) -> None:
        self.text = b""
        self.flags = 0
        self.version = 0
        self.nodes: list[bytes] = []

    def set_nodes(self, nodes: list[bytes], version: int) -> None:
        """The nodes, as ``host|ip|port``, in the order of their names. ``version`` 0 raises the version on a change."""
        ordered = sorted(nodes)
        if version == 0:
            version = self.version if ordered == self.nodes else self.version + 1
        self.version = version
        self.nodes = ordered
        self.flags = 0
        self.text = b"%d\n%b\n" % (version, b" ".join(ordered)) if ordered else b""

    def set_text(self, text: bytes, flags: int) -> None:
        """What ``config set cluster`` stores, unread."""
        self.text = text
        self.flags = flags
        self.nodes = []
        first = text.split(b"\n", 1)[0].strip()
        self.version = int(first) if first.isdigit() and len(first) < 19 else 0

    def as_config(self) -> bytes:
        """The reply to ``config get cluster``."""
        return b"CONFIG cluster %d %d\r\n%b\r\nEND\r\n" % (self.flags, len(self.text), self.text)

    def as_value(self) -> bytes:
        """The value of the key of older clients."""
        return b"VALUE %b %d %d\r\n%b\r\n" % (CLUSTER_KEY, self.flags, len(self.text), self.text)
