"""Exit 0 when the engine in this container answers a PING, by plain text or TLS, or asks for a password.

The port is 6379, or what CACHETWIN_HEALTHCHECK_PORT says when the engine was told another one.
"""

import os
import socket
import ssl
import sys

TIMEOUT_SECONDS = 2.0
HEALTHY = (b"+PONG", b"-NOAUTH", b"-NOPERM")


def answers(port: int, *, tls: bool) -> bool:
    """Whether a PING on the container's loopback gets an answer that shows a working engine."""
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_SECONDS) as plain:
        sock = plain
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            # The certificate is made for the name that clients use; this is the same container talking to itself.
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            sock = context.wrap_socket(plain)
        with sock:
            sock.sendall(b"PING\r\n")
            return sock.recv(64).startswith(HEALTHY)


def healthy(port: int) -> bool:
    """Plain text first, then TLS."""
    for tls in (False, True):
        try:
            if answers(port, tls=tls):
                return True
        except OSError:
            continue
    return False


if __name__ == "__main__":
    sys.exit(0 if healthy(int(os.environ.get("CACHETWIN_HEALTHCHECK_PORT", "6379"))) else 1)
