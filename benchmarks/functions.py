"""What a function behind an API costs here: an HTTP API, its function, and as many requests at once as are asked for.

    python -m benchmarks.functions [--clients N] [--seconds S]

A function that answers at once, in Python and in Node.js, behind an HTTP API, as `cachetwin up` runs both: each in
its process, the environments in processes of their own. Clients with kept connections send one request after the other;
those beyond the environments wait. A cold start is measured alone: the first request to a function that was just changed.

Clients, API, function and environments share the machine's cores, so requests a second are those of all of them.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import httpx
import psutil

SOURCES: Final = {
    "python3.11": ("index.py", "def handler(event, context):\n    return {'statusCode': 200, 'body': 'well'}\n"),
    "nodejs22.x": ("index.js", "exports.handler = async () => ({ statusCode: 200, body: 'well' });\n"),
}
COLD_STARTS: Final = 5
DEADLINE_S: Final = 300


def template(folder: Path) -> Path:
    """A template with a function and an API for each runtime; the code is inline."""
    resources: dict[str, object] = {
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {}}},
    }
    outputs: dict[str, object] = {}
    for runtime, (_file, source) in SOURCES.items():
        name = runtime.partition("3")[0].partition("2")[0].capitalize()
        api = {"Ref": f"{name}Api"}
        resources |= {
            name: _one(
                "Lambda::Function",
                Runtime=runtime,
                Handler="index.handler",
                Role={"Fn::GetAtt": ["Role", "Arn"]},
                Code={"ZipFile": source},
                Timeout=20,
                MemorySize=512,
            ),
            f"{name}Api": _one("ApiGatewayV2::Api", Name=name, ProtocolType="HTTP"),
            f"{name}Stage": _one("ApiGatewayV2::Stage", ApiId=api, StageName="$default"),
            f"{name}Integration": _one(
                "ApiGatewayV2::Integration",
                ApiId=api,
                IntegrationType="AWS_PROXY",
                IntegrationUri={"Fn::GetAtt": [name, "Arn"]},
                PayloadFormatVersion="2.0",
            ),
            f"{name}Route": _one(
                "ApiGatewayV2::Route",
                ApiId=api,
                RouteKey="$default",
                Target={"Fn::Join": ["/", ["integrations", {"Ref": f"{name}Integration"}]]},
            ),
        }
        outputs[name] = {"Value": {"Fn::GetAtt": [f"{name}Api", "ApiEndpoint"]}}
    path = folder / "functions.json"
    path.write_text(json.dumps({"Resources": resources, "Outputs": outputs}))
    return path


def _one(type_name: str, **properties: object) -> dict[str, object]:
    return {"Type": f"AWS::{type_name}", "Properties": properties}


def cachetwin(folder: Path, *words: str) -> str:
    """The standard output of a command of the runner. Raises CalledProcessError when it fails."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "cachetwin_local", "-C", str(folder), *words]
    return subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, text=True, check=True, timeout=DEADLINE_S
    ).stdout


async def load(url: str, clients: int, seconds: float) -> list[float]:
    """The latencies of the requests that `clients` send for so long, each when it has its answer."""
    latencies: list[float] = []
    end_s = time.monotonic() + seconds
    address, port = httpx.URL(url).host, httpx.URL(url).port or 80
    request = f"GET / HTTP/1.1\r\nHost: {address}:{port}\r\n\r\n".encode()

    async def client() -> None:
        reader, writer = await asyncio.open_connection(address, port)
        while time.monotonic() < end_s:
            began_s = time.monotonic()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(head.partition(b"\r\n")[0].decode())
            await reader.readexactly(len(b"well"))
            latencies.append(time.monotonic() - began_s)
        writer.close()

    async with asyncio.TaskGroup() as tasks:
        for _ in range(clients):
            tasks.create_task(client())
    return latencies


def cold_starts(url: str, folder: Path, name: str) -> list[float]:
    """The times of the first request after a change of the code."""
    (path,) = (folder / ".cachetwin" / "functions").glob(f"*.{name}/code/inline/index.*")
    found = []
    for number in range(COLD_STARTS):
        path.write_text(path.read_text() + ("\n# " if path.suffix == ".py" else "\n// ") + str(number))
        time.sleep(0.03)  # a look at the files is at most every 20 ms
        began_s = time.monotonic()
        httpx.get(url, timeout=DEADLINE_S)
        found.append(time.monotonic() - began_s)
        time.sleep(1)
    return found


def memory_mb(supervisor: int) -> float:
    """The memory of everything that the runner has started, shared pages counted once for each process."""
    process = psutil.Process(supervisor)
    every = [process, *process.children(recursive=True)]
    return sum(each.memory_info().rss for each in every) / 1024 / 1024


def main() -> None:
    """Measure, and print a line for each runtime."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cachetwin(folder, "up", "-d", "--template", str(template(folder)))
        try:
            status = json.loads(cachetwin(folder, "status", "--json"))
            for output, url in sorted(status["outputs"].items()):
                httpx.get(url, timeout=DEADLINE_S)
                own = output.rpartition(".")[2]
                cold = cold_starts(url, folder, own)
                latencies = asyncio.run(load(url, options.clients, options.seconds))
                cuts = statistics.quantiles(latencies, n=100)
                print(
                    f"{own:8} {len(latencies) / options.seconds:7.0f} requests/s   p50 {1000 * cuts[49]:6.1f} ms   "
                    f"p99 {1000 * cuts[98]:6.1f} ms   cold start {1000 * statistics.median(cold):5.0f} ms   "
                    f"memory {memory_mb(status['pid']):5.0f} MB"
                )
        finally:
            cachetwin(folder, "down")


if __name__ == "__main__":
    main()
