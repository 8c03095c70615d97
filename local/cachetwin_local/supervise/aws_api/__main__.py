"""The process of the endpoint: ``python -m cachetwin_local.supervise.aws_api DESCRIPTOR``."""

import os
import sys
import traceback

from cachetwin_local.supervise.aws_api.server import AwsApiServer
from cachetwin_local.supervise.data_plane.program import main

if __name__ == "__main__":
    code = 0
    try:
        main(AwsApiServer)
    except BaseException:  # noqa: BLE001  (said, and the exit code has it)
        traceback.print_exc()
        code = 1
    sys.stderr.flush()
    os._exit(code)  # threads in which clients wait at a queue must not hold the end up
