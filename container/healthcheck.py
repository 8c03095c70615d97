"""Exit 0 if the engine in this container answers a PING on one of its ports; otherwise print why not and exit 1.

The ports are those on which the engine process listens now, read from /proc: nobody has to tell the check which port the
engine was given, or that CONFIG SET moved it. Plain text is tried first, then TLS. An engine that asks for a password or a
client certificate, or that is busy with a script, is healthy; one that still loads its data is not.
"""

import os
import re
import socket
import ssl
import sys
from pathlib import Path

TIMEOUT_SECONDS = 2.0
HEALTHY = (b"+PONG", b"-NOAUTH", b"-NOPERM", b"-BUSY", b"-MASTERDOWN", b"-MISCONF", b"-DENIED")
HEALTHY_MEMCACHED = (b"ERROR", b"CLIENT_ERROR")  # there is no PING, so this is the answer to it
LISTENING = "0A"  # the state in /proc/net/tcp (include/net/tcp_states.h)


def engine_pids() -> list[str]:
    """The processes that run the engine as this user; the check itself is none of them."""
    pids = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or entry.name == str(os.getpid()):
            continue
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if any(word.endswith((b"/cachetwin-engine", b"cachetwin_engine")) for word in words[:4]):
            pids.append(entry.name)
    return pids


def sockets_of(pid: str) -> set[str]:
    """The inodes of the process's sockets."""
    inodes = set()
    try:
        for descriptor in Path("/proc", pid, "fd").iterdir():
            found = re.fullmatch(r"socket:\[(\d+)\]", str(descriptor.readlink()))
            if found:
                inodes.add(found[1])
    except OSError:
        pass
    return inodes


def endpoints(inodes: set[str]) -> list[tuple[str, int]]:
    """Addresses and ports on which these sockets listen; a wildcard address becomes loopback."""
    found = []
    for table, wildcard, loopback in (("tcp", "0" * 8, "127.0.0.1"), ("tcp6", "0" * 32, "::1")):
        try:
            rows = Path("/proc/net", table).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            fields = row.split()
            if fields[3] != LISTENING or fields[9] not in inodes:
                continue
            address, port = fields[1].split(":")
            found.append((loopback if address == wildcard else _text_of(address), int(port, 16)))
    return found


def _text_of(address: str) -> str:
    """An address of /proc/net/tcp, 32-bit words in the machine's byte order, as text."""
    raw = b"".join(int(address[at : at + 8], 16).to_bytes(4, sys.byteorder) for at in range(0, len(address), 8))
    return socket.inet_ntop(socket.AF_INET if len(raw) == 4 else socket.AF_INET6, raw)


def answers(address: str, port: int, *, tls: bool) -> bool:
    """True if a PING gets an answer that only a working engine gives."""
    with socket.create_connection((address, port), timeout=TIMEOUT_SECONDS) as plain:
        sock = plain
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            # The certificate is made for the name that clients use; this is the same container talking to itself.
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            sock = context.wrap_socket(plain)
        with sock:
            sock.sendall(b"PING\r\n")
            return sock.recv(64).startswith(HEALTHY + HEALTHY_MEMCACHED)


def wants_certificate(error: OSError) -> bool:
    """True if the engine ended the handshake because clients must show a certificate."""
    return isinstance(error, ssl.SSLError) and "CERTIFICATE_REQUIRED" in str(error.reason)


def healthy(address: str, port: int) -> bool:
    """Plain text first, then TLS."""
    for tls in (False, True):
        try:
            if answers(address, port, tls=tls):
                return True
        except OSError as error:
            if wants_certificate(error):
                return True
    return False


def main() -> int:
    """The exit code, with the reason on stdout where it is not 0."""
    pids = engine_pids()
    if not pids:
        print("no cachetwin-engine runs here")  # noqa: T201  (the container engine keeps this as the check's output)
        return 1
    listening = [endpoint for pid in pids for endpoint in endpoints(sockets_of(pid))]
    if any(healthy(address, port) for address, port in listening):
        return 0
    places = ", ".join(f"{address}:{port}" for address, port in listening) or "no TCP port"
    print(f"no PONG from {places}")  # noqa: T201  (as above)
    return 1


if __name__ == "__main__":
    sys.exit(main())
