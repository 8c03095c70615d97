"""An image's size, its time to the first answer, and the memory that the engine takes in it while nobody asks.

    python -m benchmarks.container_image localhost/cachetwin-engine [--rounds 5]

Size is that of the compressed layers, as a registry would send them. The time goes from ``podman run`` to the first PONG,
and is given beside that of the same image running ``true``, which is what podman itself takes. Memory is what
the main process alone holds and wrote (``Private_Dirty`` of smaps_rollup), five seconds after it started; pages of its
files that nobody else maps, which the kernel can drop, come beside it.
"""

import argparse
import socket
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

PORT = 7399
DEADLINE_S = 30.0


def podman(*words: str) -> str:
    """What podman prints."""
    return subprocess.run(["podman", *words], capture_output=True, text=True, check=True).stdout.strip()


def compressed_bytes(image: str) -> int:
    """Bytes of the image's layers, compressed."""
    with tempfile.TemporaryDirectory() as folder:
        podman("push", "--quiet", "--compress", image, f"dir:{folder}/image")
        return sum(path.stat().st_size for path in Path(folder, "image").iterdir())


def seconds_to_end(image: str) -> float:
    """From ``podman run`` to the end of a program that does nothing."""
    started = time.perf_counter()
    podman("run", "--rm", "--network", "host", "--entrypoint", "/bin/true", image)
    return time.perf_counter() - started


def seconds_to_pong(image: str) -> tuple[float, str]:
    """From ``podman run`` to the first PONG, and the container that gave it."""
    started = time.perf_counter()
    container = podman(
        "run", "--detach", "--network", "host", "--read-only", image, "--bind", "127.0.0.1", "--port", str(PORT)
    )
    while time.perf_counter() - started < DEADLINE_S:
        try:
            with socket.create_connection(("127.0.0.1", PORT), 1) as sock:
                sock.sendall(b"PING\r\n")
                if sock.recv(16) == b"+PONG\r\n":
                    return time.perf_counter() - started, container
        except OSError:
            time.sleep(0.002)
    raise TimeoutError(f"no PONG within {DEADLINE_S} s: {podman('logs', container)}")


def private_bytes(container: str, kind: str) -> int:
    """Private memory of the container's main process: ``Private_Dirty`` or ``Private_Clean``."""
    pid = podman("inspect", "--format", "{{.State.Pid}}", container)
    rows = Path("/proc", pid, "smaps_rollup").read_text(encoding="ascii").splitlines()
    return sum(int(row.split()[1]) * 1024 for row in rows if row.startswith(kind))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("image")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print(f"compressed size      {compressed_bytes(options.image) / 1e6:8.1f} MB")
    pongs, nothings, dirty, clean = [], [], 0, 0
    for _ in range(options.rounds):
        nothings.append(seconds_to_end(options.image))
        seconds, container = seconds_to_pong(options.image)
        pongs.append(seconds)
        if not dirty:
            time.sleep(5)
            dirty, clean = private_bytes(container, "Private_Dirty"), private_bytes(container, "Private_Clean")
        podman("rm", "--force", "--time", "1", container)
    print(f"podman run to PONG   {statistics.median(pongs) * 1000:8.0f} ms (median of {options.rounds})")
    print(f"podman run of true   {statistics.median(nothings) * 1000:8.0f} ms")
    print(f"idle private memory  {dirty / 1e6:8.1f} MB, and {clean / 1e6:.1f} MB of its files")


if __name__ == "__main__":
    main()
