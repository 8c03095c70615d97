"""A user in an imported group: what the function does with ElastiCache's API, and what CloudFormation is told."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from types import SimpleNamespace
from typing import Any

import aws_cdk as cdk
import pytest

from cachetwin_cdk import AccessString, IamUser, User, UserGroup
from cachetwin_cdk.access.group_member import member


class Busy(Exception):
    """Another deployment changes the group."""


class Gone(Exception):
    """There is no such group."""


class Service:
    """ElastiCache's user groups: a change takes two looks to be done, and is refused while another one runs."""

    exceptions = SimpleNamespace(InvalidUserGroupStateFault=Busy, UserGroupNotFoundFault=Gone)

    def __init__(self, *users: str, busy_for: int = 0, exists: bool = True) -> None:
        self.users, self.busy_for, self.exists = list(users), busy_for, exists

    def describe_user_groups(self, *, UserGroupId: str) -> dict[str, Any]:  # noqa: N803  (the API's names)
        if not self.exists:
            raise Gone(UserGroupId)
        status = "modifying" if self.busy_for else "active"
        self.busy_for = max(0, self.busy_for - 1)
        return {"UserGroups": [{"UserIds": list(self.users), "Status": status}]}

    def modify_user_group(
        self,
        *,
        UserGroupId: str,  # noqa: N803  (as above)
        UserIdsToAdd: list[str] | None = None,  # noqa: N803  (as above)
        UserIdsToRemove: list[str] | None = None,  # noqa: N803  (as above)
    ) -> None:
        if self.busy_for:
            raise Busy(UserGroupId)
        self.users = [user for user in [*self.users, *(UserIdsToAdd or ())] if user not in (UserIdsToRemove or ())]
        self.busy_for = 2


def run(service: Service, request: str, *, user: str = "ann", remaining_ms: int = 600_000) -> None:
    left = [remaining_ms]

    def sleep(seconds: float) -> None:
        left[0] -= int(seconds * 1000)

    event = {"RequestType": request, "ResourceProperties": {"UserGroupId": "team", "UserId": user}}
    member.change(service, event, lambda: left[0], sleep)


def test_a_user_is_added_and_removed() -> None:
    service = Service("bob")
    run(service, "Create")
    assert (service.users, service.busy_for) == (["bob", "ann"], 0)
    run(service, "Delete")
    assert service.users == ["bob"]


def test_it_waits_for_other_deployments() -> None:
    service = Service(busy_for=20)
    run(service, "Create")
    assert service.users == ["ann"]


def test_a_group_that_stays_busy_is_an_error_in_time() -> None:
    with pytest.raises(TimeoutError, match="was being changed all the time"):
        run(Service(busy_for=10_000), "Create", remaining_ms=60_000)


def test_a_member_is_added_once_and_a_stranger_is_not_missed() -> None:
    service = Service("ann")
    run(service, "Create")
    run(service, "Update")
    assert service.users == ["ann"]
    run(service, "Delete", user="eve")
    assert service.users == ["ann"]


def test_a_group_that_is_gone_has_no_members() -> None:
    run(Service(exists=False), "Delete")
    with pytest.raises(Gone):
        run(Service(exists=False), "Create")


@pytest.fixture
def answers() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The address that CloudFormation gives, and what arrived there."""
    told: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", told
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


@pytest.mark.parametrize(("service", "status"), [(Service(), "SUCCESS"), (Service(exists=False), "FAILED")])
def test_cloudformation_is_told_how_it_went(
    monkeypatch: pytest.MonkeyPatch, answers: tuple[str, list[dict[str, Any]]], service: Service, status: str
) -> None:
    address, told = answers
    monkeypatch.setattr(member, "_PAUSE_S", 0)
    monkeypatch.setattr(member, "boto3", SimpleNamespace(client=lambda _name: service))
    event = {
        "RequestType": "Create", "ResponseURL": address, "StackId": "s", "RequestId": "r", "LogicalResourceId": "M",
        "ResourceProperties": {"UserGroupId": "team", "UserId": "ann"},
    }  # fmt: skip
    member.handler(event, SimpleNamespace(get_remaining_time_in_millis=lambda: 600_000))
    assert [(answer["Status"], answer["PhysicalResourceId"]) for answer in told] == [(status, "team/ann")]


def test_an_imported_group_is_told_its_users(stack: cdk.Stack) -> None:
    user = User.from_user_attributes(stack, "Ann", user_id="ann", iam_authentication=True)
    group = UserGroup.from_user_group_id(stack, "Group", "TEAM", users=[user])
    assert (group.user_group_id, group.users) == ("team", (user,))


def test_members_of_a_stack_share_one_function(stack: cdk.Stack) -> None:
    group = UserGroup.from_user_group_id(stack, "Group", "team", add_users=True)
    for name in ("Ann", "Bob"):
        group.add_user(IamUser(stack, name, access_string=AccessString.read_only()))
    template = cdk.assertions.Template.from_stack(stack)
    template.resource_count_is("AWS::Lambda::Function", 1)
    template.resource_count_is("Custom::CachetwinGroupMember", 2)
