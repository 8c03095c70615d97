"""A function in Node.js, on the loop that asks the Runtime API for its events."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.local.supervise.function.functions import RUNTIME, RunningFunction, function, run_function

from cachetwin_local.supervise.function.runtime.command import find_node

Use = Callable[[RunningFunction], Awaitable[None]]


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., None]:
    node = find_node()
    if node is None:
        pytest.skip("there is no Node.js")

    def run(files: dict[str, str], use: Use, handler: str = "index.handler") -> None:
        folder = tmp_path / "code"
        folder.mkdir()
        for name, text in files.items():
            (folder / name).write_text(text)
        argv = (str(node), str(RUNTIME / "node_runtime.mjs"), str(folder), handler)
        run_function(folder, argv, function(runtime="nodejs22.x", handler=handler), use)

    return run


@pytest.mark.parametrize(
    "files",
    [
        {"index.js": "exports.handler = async (event, context) => ({ event, id: context.awsRequestId })"},
        {"index.mjs": "export const handler = async (event, context) => ({ event, id: context.awsRequestId })"},
        {"index.js": "exports.handler = (event, context, done) => done(null, { event, id: context.awsRequestId })"},
        {"index.cjs": "module.exports.handler = (event, context) => ({ event, id: context.awsRequestId })"},
        {
            "index.js": "export const handler = async (event, context) => ({ event, id: context.awsRequestId })",
            "package.json": '{"type": "module"}',
        },
    ],
)
def test_every_form_of_a_handler_answers(run: Callable[..., None], files: dict[str, str]) -> None:
    async def use(greet: RunningFunction) -> None:
        for n in range(2):
            reply = await greet.call({"n": n})
            assert json.loads(reply.body) == {"event": {"n": n}, "id": reply.header("x-amzn-requestid")}

    run(files, use)


def test_errors_are_documents(run: Callable[..., None]) -> None:
    source = """
exports.handler = async (event) => {
  if (event === "throw") throw new TypeError("no");
  if (event === "reject") { Promise.reject(new Error("lost")); await new Promise((done) => setTimeout(done, 5000)); }
  return "well";
};
"""

    async def use(greet: RunningFunction) -> None:
        failed = json.loads((await greet.call("throw")).body)
        assert (failed["errorType"], failed["errorMessage"]) == ("TypeError", "no")
        rejected = json.loads((await greet.call("reject")).body)
        assert rejected["errorType"] == "Runtime.UnhandledPromiseRejection"
        assert (await greet.call("")).body == b'"well"'

    run({"index.js": source}, use)


@pytest.mark.parametrize(
    ("files", "handler", "kind"),
    [
        ({"index.js": "exports.other = 1"}, "index.handler", "Runtime.HandlerNotFound"),
        ({"index.js": ""}, "missing.handler", "Runtime.ImportModuleError"),
        ({"index.js": "exports.handler = ("}, "index.handler", "Runtime.UserCodeSyntaxError"),
    ],
)
def test_what_cannot_be_loaded_is_said(
    run: Callable[..., None], files: dict[str, str], handler: str, kind: str
) -> None:
    async def use(greet: RunningFunction) -> None:
        reply = await greet.call({})
        assert (reply.header("x-amz-function-error"), json.loads(reply.body)["errorType"]) == ("Unhandled", kind)

    run(files, use, handler)
