"""The process of an HTTP API: ``python -m cachetwin_local.supervise.api DESCRIPTOR``."""

from cachetwin_local.supervise.api.server import HttpApiServer
from cachetwin_local.supervise.data_plane.program import main

if __name__ == "__main__":
    main(HttpApiServer)
