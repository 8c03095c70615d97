"""Protected mode: without a password, only clients on this machine are served (Valkey's networking.c)."""

from typing import Final

from cachetwin_engine.core.engine import Engine

_DENIED: Final = (
    "-DENIED {product} is running in protected mode because protected mode is enabled and no password is set for the"
    " default user. In this mode connections are only accepted from the loopback interface. If you want to connect from"
    " external computers to {product} you may adopt one of the following solutions: 1) Just disable protected mode"
    " sending the command 'CONFIG SET protected-mode no' from the loopback interface by connecting to {product} from the"
    " same host the server is running, however MAKE SURE {product} is not publicly accessible from internet if you do"
    " so. Use CONFIG REWRITE to make this change permanent. 2) Alternatively you can just disable the protected mode by"
    " editing the {product} configuration file, and setting the protected mode option to 'no', and then restarting the"
    " server. 3) If you started the server manually just for testing, restart it with the '--protected-mode no' option."
    " 4) Set up an authentication password for the default user. NOTE: You only need to do one of the above things in"
    " order for the server to start accepting connections from the outside.\r\n"
)


def protects(engine: Engine, peer: object) -> bool:
    """Whether a client from ``peer`` (``getpeername``'s value) is to be turned away."""
    default = engine.acl.default
    if not (default.enabled and default.no_password and engine.config.boolean("protected-mode")):
        return False
    if not isinstance(peer, tuple):
        return False  # a Unix socket: the file's permissions protect it
    text = str(peer[0]).partition("%")[0]
    if text in {"127.0.0.1", "::1", ""}:  # without an address it is gone already
        return False
    import ipaddress  # noqa: PLC0415  (1 ms that the first client of a local engine should not wait for)

    address = ipaddress.ip_address(text)
    mapped = getattr(address, "ipv4_mapped", None)
    return not (mapped or address).is_loopback


def denial(engine: Engine) -> bytes:
    """What a client that is turned away reads."""
    return _DENIED.format(product="Valkey" if engine.profile.is_valkey else "Redis").encode()
