"""The process of the endpoint: ``python -m cachetwin_local.supervise.aws_api DESCRIPTOR``."""

from cachetwin_local.supervise.aws_api.server import AwsApiServer
from cachetwin_local.supervise.data_plane.program import main

if __name__ == "__main__":
    main(AwsApiServer)
