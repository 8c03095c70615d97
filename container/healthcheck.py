"""Exit 0 if the engine in this container answers a PING on one of its sockets; otherwise print why not and exit 1.

The sockets are those on which the engine process listens now, read from /proc: nobody has to tell the check which port the
engine was given, or that CONFIG SET moved it. On a port, plain text is tried first, then TLS. An engine that asks
for a password or a client's certificate, that has as many clients as it takes, or that is busy with a script, is healthy;
one that still loads its data is not.
"""

import os
import re
import socket
import ssl
import sys
from pathlib import Path

TIMEOUT_SECONDS = 2.0
HEALTHY = (
    b"+PONG", b"-NOAUTH", b"-NOPERM", b"-BUSY", b"-MASTERDOWN", b"-MISCONF", b"-DENIED", b"-ERR max number of clients",
    b"ERROR", b"CLIENT_ERROR",  # of Memcached: there is no PING, so this is the answer to it
)  # fmt: skip
LISTENING = "0A"  # the state in /proc/net/tcp (include/net/tcp_states.h)
ACCEPTS = 0x10000  # the flag in /proc/net/unix (include/linux/net.h, __SO_ACCEPTCON)


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


def unix_paths(inodes: set[str]) -> list[str]:
    """The paths of the Unix sockets on which these sockets listen."""
    try:
        rows = Path("/proc/net/unix").read_text(encoding="utf-8").splitlines()[1:]
    except OSError:
        return []
    found = []
    for row in rows:
        fields = row.split(maxsplit=7)  # num, reference count, protocol, flags, type, state, inode, path
        if len(fields) == 8 and fields[6] in inodes and int(fields[3], 16) & ACCEPTS:
            found.append(fields[7])
    return found


def _text_of(address: str) -> str:
    """An address of /proc/net/tcp, 32-bit words in the machine's byte order, as text."""
    raw = b"".join(int(address[at : at + 8], 16).to_bytes(4, sys.byteorder) for at in range(0, len(address), 8))
    return socket.inet_ntop(socket.AF_INET if len(raw) == 4 else socket.AF_INET6, raw)


def reply_to_ping(sock: socket.socket) -> bytes:
    """The beginning of the answer; empty where the engine ends the connection."""
    sock.sendall(b"PING\r\n")
    return sock.recv(64)


def answers_on_unix(path: str) -> bool:
    """Whether the engine answers on a Unix socket."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(TIMEOUT_SECONDS)
        try:
            sock.connect(path)
            return reply_to_ping(sock).startswith(HEALTHY)
        except OSError:
            return False


def answers_in_plain_text(address: str, port: int) -> bool:
    """Whether the engine answers without TLS."""
    try:
        with socket.create_connection((address, port), timeout=TIMEOUT_SECONDS) as sock:
            return reply_to_ping(sock).startswith(HEALTHY)
    except OSError:
        return False


def answers_over_tls(address: str, port: int) -> bool:
    """Whether the engine answers over TLS, or ends the connection for want of a client's certificate.

    With TLS 1.3 it ends it behind the handshake, where the client's certificate comes last, else within.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # The certificate is made for the name that clients use; this is the same container talking to itself.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection((address, port), timeout=TIMEOUT_SECONDS) as plain,
            context.wrap_socket(plain) as tls,
        ):
            reply = reply_to_ping(tls)
            return reply.startswith(HEALTHY) or (not reply and tls.version() == "TLSv1.3")
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionResetError):
        return True
    except OSError as error:
        # The alert of an engine that wants a certificate; with TLS 1.2 it has no name of its own (RFC 8446, 6.2).
        reason = str(getattr(error, "reason", ""))
        return "CERTIFICATE_REQUIRED" in reason or "HANDSHAKE_FAILURE" in reason


def main() -> int:
    """The exit code, with the reason on stdout where it is not 0."""
    pids = engine_pids()
    if not pids:
        print("no cachetwin-engine runs here")  # noqa: T201  (the container engine keeps this as the check's output)
        return 1
    inodes = {inode for pid in pids for inode in sockets_of(pid)}
    ports, paths = endpoints(inodes), unix_paths(inodes)
    if any(answers_in_plain_text(*at) or answers_over_tls(*at) for at in ports) or any(map(answers_on_unix, paths)):
        return 0
    places = ", ".join([*(f"{address}:{port}" for address, port in ports), *paths]) or "any socket: it listens on none"
    print(f"no PONG from {places}")  # noqa: T201  (as above)
    return 1


if __name__ == "__main__":
    sys.exit(main())
