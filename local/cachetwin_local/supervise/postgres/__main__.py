"""The process of a database's relay: ``python -m cachetwin_local.supervise.postgres DESCRIPTOR``."""

from cachetwin_local.supervise.data_plane.program import main
from cachetwin_local.supervise.postgres.relay_server import RelayServer

if __name__ == "__main__":
    main(RelayServer)
