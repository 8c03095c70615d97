"""Adds a user to a user group and removes it again, as CloudFormation asks for it.

The properties of the resource are ``UserGroupId`` and ``UserId``. A group that another deployment is changing is tried
again until the time of the function is nearly over. Adding a user that is in the group, and removing one that is not, or
from a group that is gone, succeeds.
"""

import json
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import boto3  # type: ignore[import-untyped]

_PAUSE_S = 5.0
_RESERVE_MS = 30_000  # for the answer


def handler(event: dict[str, Any], context: Any) -> None:  # noqa: ANN401  (Lambda's, without types)
    """Entry point: do what the event asks for, and tell CloudFormation how it went."""
    status, reason = "SUCCESS", ""
    try:
        change(boto3.client("elasticache"), event, context.get_remaining_time_in_millis, time.sleep)
    except Exception as error:  # noqa: BLE001  (CloudFormation waits an hour for an answer that does not come)
        status, reason = "FAILED", f"{type(error).__name__}: {error}"
    _answer(event, status, reason)


def member_id(properties: dict[str, str]) -> str:
    """The physical id: another user, or another group, is another member."""
    return f"{properties['UserGroupId']}/{properties['UserId']}"


def change(
    cache: Any,  # noqa: ANN401  (boto3 has no types)
    event: dict[str, Any],
    remaining_ms: Callable[[], int],
    sleep: Callable[[float], None],
) -> None:
    """Add or remove the user. Raises TimeoutError when the group stays busy, and what the API refuses."""
    properties = event["ResourceProperties"]
    group, user = properties["UserGroupId"], properties["UserId"]
    removes = event["RequestType"] == "Delete"
    name = "UserIdsToRemove" if removes else "UserIdsToAdd"
    errors = cache.exceptions
    while True:
        try:
            members = cache.describe_user_groups(UserGroupId=group)["UserGroups"][0]
            if (user in members["UserIds"]) is not removes and members["Status"] == "active":
                return
            if members["Status"] == "active":
                cache.modify_user_group(UserGroupId=group, **{name: [user]})
        except errors.InvalidUserGroupStateFault:
            pass
        except errors.UserGroupNotFoundFault:
            if removes:
                return
            raise
        if remaining_ms() < _RESERVE_MS:
            raise TimeoutError(f"user group {group} was being changed all the time")
        sleep(_PAUSE_S)


def _answer(event: dict[str, Any], status: str, reason: str) -> None:
    body = {
        "Status": status,
        "Reason": reason,
        "PhysicalResourceId": member_id(event["ResourceProperties"]),
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
    }
    request = urllib.request.Request(  # noqa: S310  (CloudFormation's own https address)
        event["ResponseURL"], data=json.dumps(body).encode(), method="PUT", headers={"Content-Type": ""}
    )
    with urllib.request.urlopen(request, timeout=20):  # noqa: S310  (as above)
        pass
