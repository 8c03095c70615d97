"""Imported by a Python at its start where the runner has put this folder on its path: a debugger listens from then on."""

import importlib.machinery
import importlib.util
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

# this module stands before the program's own of the same name
elsewhere = [path for path in sys.path if os.path.realpath(path) != os.path.dirname(os.path.realpath(__file__))]  # noqa: PTH120
spec = importlib.machinery.PathFinder.find_spec(__name__, elsewhere)
if spec is not None and spec.loader is not None:
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
