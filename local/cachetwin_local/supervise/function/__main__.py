"""The process of a function: ``python -m cachetwin_local.supervise.function DESCRIPTOR``."""

from cachetwin_local.supervise.data_plane.program import main
from cachetwin_local.supervise.function.server import FunctionServer

if __name__ == "__main__":
    main(FunctionServer)
