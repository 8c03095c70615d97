"""A function in Python, called as the service calls it: one environment at a time, timeouts, failures, changes."""

import asyncio
import base64
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import psutil
import pytest
from tests.local.supervise.function.functions import (
    ARN,
    RunningFunction,
    function,
    make_runtime_client,
    python_argv,
    run_function,
)

from cachetwin_local.supervise.function.invocation import ASYNC_PAYLOAD_MAX, PAYLOAD_MAX
from cachetwin_local.supervise.function.settings import EnvironmentLimits
from cachetwin_local.topology.functions import AsyncInvocation

QUEUE = "arn:aws:sqs:us-east-1:000000000000:letters"
Use = Callable[[RunningFunction], Awaitable[None]]
Run = Callable[..., None]


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_runtime_client(tmp_path_factory.mktemp("runtime") / "venv")


@pytest.fixture
def run(python: Path, tmp_path: Path) -> Run:
    """Runs ``handle`` of some source and uses it."""

    def run(source: str, use: Use, limits: EnvironmentLimits | None = None, **changes: object) -> None:
        folder = tmp_path / "code"
        folder.mkdir()
        (folder / "app.py").write_text(source)
        told = function(**changes)
        run_function(folder, python_argv(python, folder, told.handler), told, use, limits)

    return run


ECHO = """
import os
def handle(event, context):
    return {"event": event, "id": context.aws_request_id, "arn": context.invoked_function_arn, "pid": os.getpid(),
            "trace": os.environ.get("_X_AMZN_TRACE_ID"), "left": context.get_remaining_time_in_millis(),
            "client": context.client_context.custom if context.client_context else None}
"""


def test_an_event_comes_back_with_the_context_of_its_invocation(run: Run) -> None:
    async def use(greet: RunningFunction) -> None:
        context = base64.b64encode(json.dumps({"custom": {"a": "b"}}).encode()).decode()
        reply = await greet.call({"n": "é"}, "greet:live", X_Amz_Client_Context=context, X_Amzn_Trace_Id="Root=1-2-3")
        answer = json.loads(reply.body)
        assert (reply.status, answer["event"], answer["client"]) == (200, {"n": "é"}, {"a": "b"})
        assert answer["arn"] == f"{ARN}:live"
        assert answer["id"] == reply.header("x-amzn-requestid")
        assert answer["trace"] == "Root=1-2-3;Sampled=0"
        assert 0 < answer["left"] <= 20_000
        assert reply.header("x-amz-function-error") is None

    run(ECHO, use)


def test_no_header_of_a_caller_ends_the_environment(run: Run) -> None:
    async def use(greet: RunningFunction) -> None:
        context = base64.b64encode('{\n"custom": {"a": "é\u4e2d"}}'.encode()).decode()
        answer = json.loads((await greet.call({}, X_Amz_Client_Context=context)).body)
        assert answer["client"] == {"a": "é\u4e2d"}
        later = json.loads((await greet.call({}, X_Amzn_Trace_Id="Root=1-2-3;\xff")).body)
        assert (later["pid"], later["trace"][:7]) == (answer["pid"], "Root=1-")
        assert "\xff" not in later["trace"]
        refused = await greet.call({}, X_Amz_Client_Context=base64.b64encode("é".encode()).decode())
        assert "Client Context" in json.loads(refused.body)["errorMessage"]
        assert json.loads((await greet.call({})).body)["pid"] == answer["pid"]

    run(ECHO, use)


def test_an_environment_is_used_again_and_events_at_once_get_more(run: Run, tmp_path: Path) -> None:
    source = """import os, time
def handle(folder, _):
    if folder:
        open(f"{folder}/{os.getpid()}", "w").close()
        end = time.monotonic() + 15
        while len(os.listdir(folder)) < 3 and time.monotonic() < end:
            time.sleep(0.02)
    return os.getpid()
"""
    (tmp_path / "together").mkdir()

    async def use(greet: RunningFunction) -> None:
        first, second = [(await greet.call("")).body for _ in range(2)]
        assert first == second
        together = await asyncio.gather(*(greet.call(str(tmp_path / "together")) for _ in range(3)))
        assert len({reply.body for reply in together}) == 3

    run(source, use)


def test_events_beyond_the_environments_wait_and_are_answered(run: Run) -> None:
    source = "import os, time\ndef handle(event, _):\n    time.sleep(0.05)\n    return os.getpid()\n"

    async def use(greet: RunningFunction) -> None:
        replies = await asyncio.gather(*(greet.call(0) for _ in range(20)))
        assert {reply.status for reply in replies} == {200}
        assert len({reply.body for reply in replies}) <= 2

    run(source, use, EnvironmentLimits(environments_max=2))


def test_reserved_concurrency_throttles(run: Run) -> None:
    source = "import time\ndef handle(event, _):\n    time.sleep(1)\n"

    async def use(greet: RunningFunction) -> None:
        replies = await asyncio.gather(*(greet.call(0) for _ in range(3)))
        assert sorted(reply.status for reply in replies) == [200, 429, 429]
        refused = next(json.loads(reply.body) for reply in replies if reply.status == 429)
        assert refused["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"

    run(source, use, reserved_concurrency=1)


def test_an_exception_is_the_payload_and_the_environment_lives_on(run: Run) -> None:
    source = "import os\ndef handle(event, _):\n    if event:\n        raise ValueError('no')\n    return os.getpid()\n"

    async def use(greet: RunningFunction) -> None:
        before = (await greet.call(0)).body
        failed = await greet.call(1)
        assert (failed.status, failed.header("x-amz-function-error")) == (200, "Unhandled")
        document = json.loads(failed.body)
        assert (document["errorType"], document["errorMessage"]) == ("ValueError", "no")
        assert document["stackTrace"]
        assert (await greet.call(0)).body == before

    run(source, use)


def test_a_timeout_ends_the_environment(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    source = "import os, time\ndef handle(event, _):\n    time.sleep(event)\n    return os.getpid()\n"

    async def use(greet: RunningFunction) -> None:
        before = (await greet.call(0)).body
        failed = await greet.call(30)
        document = json.loads(failed.body)
        assert document["errorType"] == "Sandbox.Timedout"
        assert document["errorMessage"].endswith("Error: Task timed out after 1.00 seconds")
        assert (await greet.call(0)).body != before

    run(source, use, timeout_s=1)
    assert "Status: timeout" in capsys.readouterr().out


def test_a_process_that_exits_fails_its_event_and_the_next_gets_another(run: Run) -> None:
    source = "import os\ndef handle(event, _):\n    if event:\n        os._exit(event)\n    return 'well'\n"

    async def use(greet: RunningFunction) -> None:
        document = json.loads((await greet.call(3)).body)
        assert document["errorType"] == "Runtime.ExitError"
        assert document["errorMessage"].endswith("Runtime exited with error: exit status 3")
        assert (await greet.call(0)).body == b'"well"'

    run(source, use)


def test_a_process_that_uses_more_memory_than_the_function_has_is_killed(run: Run) -> None:
    source = (
        "import time\ndef handle(event, _):\n    kept = [b'x' * 1_000_000 for _ in range(200)]\n    time.sleep(10)\n"
    )

    async def use(greet: RunningFunction) -> None:
        document = json.loads((await greet.call(0)).body)
        assert document["errorType"] == "Runtime.OutOfMemory"
        assert document["errorMessage"].endswith("signal: killed")

    run(source, use, memory_mb=128)


@pytest.mark.parametrize(
    ("source", "handler", "kind"),
    [
        ("import nothing_of_this_name\n", "app.handle", "Runtime.ImportModuleError"),
        ("def other(event, _): pass\n", "app.handle", "Runtime.HandlerNotFound"),
        ("def handle(:\n", "app.handle", "Runtime.UserCodeSyntaxError"),
    ],
)
def test_a_failed_initialisation_is_the_answer(run: Run, source: str, handler: str, kind: str) -> None:
    async def use(greet: RunningFunction) -> None:
        reply = await greet.call(0)
        assert reply.header("x-amz-function-error") == "Unhandled"
        assert json.loads(reply.body)["errorType"] == kind
        assert greet.server.report().health == {"initialisation": False}

    run(source, use, handler=handler)


def test_an_environment_that_cannot_be_started_is_the_answer(run: Run, tmp_path: Path) -> None:
    in_the_way = tmp_path / "tmp"
    in_the_way.touch()

    async def use(greet: RunningFunction) -> None:
        reply = await greet.call(0, timeout_s=15)
        assert reply.header("x-amz-function-error") == "Unhandled"
        assert json.loads(reply.body) == {
            "errorType": "Sandbox.Failure",
            "errorMessage": "the environment could not be started: Not a directory",
        }
        in_the_way.unlink()
        assert json.loads((await greet.call(1)).body) == 1

    run("def handle(event, _):\n    return event\n", use)


def test_payloads_have_the_limits_of_the_service(run: Run) -> None:
    source = "def handle(event, _):\n    return 'x' * event if isinstance(event, int) else len(event)\n"

    async def use(greet: RunningFunction) -> None:
        fits = b'"' + b"x" * (PAYLOAD_MAX - 2) + b'"'
        assert (await greet.call(fits)).body == str(PAYLOAD_MAX - 2).encode()
        assert (await greet.call(b'"' + fits)).status == 413
        assert json.loads((await greet.call(PAYLOAD_MAX + 1)).body)["errorType"] == "Function.ResponseSizeTooLarge"
        assert (await greet.call(1)).body == b'"x"'
        late = b'"' + b"x" * ASYNC_PAYLOAD_MAX + b'"'
        assert (await greet.call(late, X_Amz_Invocation_Type="Event")).status == 413

    run(source, use)


def test_what_is_no_json_and_no_function_is_refused(run: Run) -> None:
    async def use(greet: RunningFunction) -> None:
        assert (await greet.call(b"{")).header("x-amzn-errortype") == "InvalidRequestContentException"
        unknown = await greet.call({}, "greet:other")
        assert (unknown.status, unknown.header("x-amzn-errortype")) == (404, "ResourceNotFoundException")
        assert (await greet.call({}, X_Amz_Invocation_Type="DryRun")).status == 204

    run(ECHO, use)


def test_a_changed_handler_answers_the_next_event(run: Run, tmp_path: Path) -> None:
    source = "def handle(event, _):\n    return 'before'\n"

    async def use(greet: RunningFunction) -> None:
        assert (await greet.call(0)).body == b'"before"'
        for word in ("after", "once more"):
            (tmp_path / "code" / "app.py").write_text(source.replace("before", word))
            await asyncio.sleep(0.03)  # a look at the files is at most every 20 ms
            assert json.loads((await greet.call(0)).body) == word

    run(source, use)


def test_a_frozen_environment_does_nothing_between_events(run: Run, tmp_path: Path) -> None:
    source = """
import threading, time
ticks = [0]
def tick():
    while True:
        ticks[0] += 1
        time.sleep(0.01)
threading.Thread(target=tick, daemon=True).start()
def handle(event, _):
    return ticks[0]
"""

    async def use(greet: RunningFunction) -> None:
        before = int((await greet.call(0)).body)
        await asyncio.sleep(1)
        assert int((await greet.call(0)).body) - before < 50

    run(source, use, EnvironmentLimits(frozen=True))


def test_an_idle_environment_ends(run: Run) -> None:
    async def use(greet: RunningFunction) -> None:
        pid = json.loads((await greet.call(0)).body)["pid"]
        end_s = time.monotonic() + 20
        while greet.server.report().levels["Environments"] and time.monotonic() < end_s:
            await asyncio.sleep(0.1)
        assert greet.server.report().levels["Environments"] == 0
        while psutil.pid_exists(pid) and time.monotonic() < end_s:
            await asyncio.sleep(0.1)
        assert json.loads((await greet.call(0)).body)["pid"] != pid

    run(ECHO, use, EnvironmentLimits(idle_s=0.2))


def test_an_asynchronous_event_is_tried_again_and_its_destination_hears_of_the_end(run: Run, tmp_path: Path) -> None:
    source = f"""
import json, pathlib
log = pathlib.Path({str(tmp_path)!r}) / "seen.jsonl"
def handle(event, _):
    with log.open("a") as file:
        file.write(json.dumps(event) + "\\n")
    if event.get("fail"):
        raise RuntimeError("always")
"""

    async def use(greet: RunningFunction) -> None:
        accepted = await greet.call({"fail": True}, X_Amz_Invocation_Type="Event")
        assert (accepted.status, accepted.body) == (202, b"")
        end_s = time.monotonic() + 30
        while len(greet.delivered) < 2 and time.monotonic() < end_s:
            await asyncio.sleep(0.1)
        seen = [json.loads(line) for line in (tmp_path / "seen.jsonl").read_text().splitlines()]
        assert seen == [{"fail": True}, {"fail": True}]
        told, letter = greet.delivered
        assert (told["arn"], letter["arn"]) == (QUEUE, QUEUE)
        record = json.loads(told["payload"])
        assert record["requestContext"]["condition"] == "RetriesExhausted"
        assert record["requestContext"]["approximateInvokeCount"] == 2
        assert record["requestPayload"] == {"fail": True}
        assert record["responsePayload"]["errorMessage"] == "always"
        assert json.loads(letter["payload"]) == {"fail": True}
        assert letter["attributes"]["ErrorMessage"] == "always"

    run(source, use, asynchronous=AsyncInvocation(retries_max=1, on_failure=QUEUE, dead_letters=QUEUE))


def test_the_log_has_the_lines_of_the_service(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    source = "def handle(event, _):\n    print('hello')\n"

    async def use(greet: RunningFunction) -> None:
        request_id = (await greet.call(0)).header("x-amzn-requestid")
        await greet.call(0)
        await asyncio.sleep(0.2)
        lines = [line for line in capsys.readouterr().out.splitlines() if "cachetwin" not in line]
        assert [line.split()[0] for line in lines] == [
            "INIT_START", "START", "hello", "END", "REPORT", "START", "hello", "END", "REPORT",
        ]  # fmt: skip
        assert f"REPORT RequestId: {request_id}\tDuration: " in lines[4]
        assert "Init Duration: " in lines[4]
        assert "Init Duration: " not in lines[8]

    run(source, use)
