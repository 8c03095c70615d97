"""Imported by a Python at its start where the runner has put this folder on its path: a debugger listens from then on."""

import os
import sys

port = os.environ.pop("CACHETWIN_DEBUG_PORT", None)  # for this process alone: its children would want the same port
if port is not None:
    try:
        import debugpy

        debugpy.listen(("127.0.0.1", int(port)))
        sys.stderr.write(f"[cachetwin] a debugger may attach at 127.0.0.1:{port}\n")
    except Exception as error:  # noqa: BLE001  (the program runs without a debugger then)
        sys.stderr.write(f"[cachetwin] no debugger at 127.0.0.1:{port}: {error}\n")
