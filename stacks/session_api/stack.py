"""The session API as it is deployed: sessions and their state in a serverless Valkey cache, logged in with IAM."""

from pathlib import Path

import aws_cdk as cdk
from constructs import Construct

from cachetwin_cdk.patterns import SessionApi

from .bundling import python_code

_FUNCTION = Path(__file__).parent / "function"
_ROUTES = ("GET /", "GET /static/{file}", "POST /session", "GET /session", "PATCH /session", "DELETE /session")


class SessionApiStack(cdk.Stack):
    """Sessions for anybody's browser: the id that a session's maker gets is what opens it."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id, description="Session API: Lambda and a Valkey cache, no secret anywhere")
        self.sessions = SessionApi(
            self,
            "Sessions",
            code=python_code(_FUNCTION),
            handler="sessions.handler.handle",
            routes=_ROUTES,
            allow_anonymous=True,
        )
        cdk.CfnOutput(self, "Url", value=self.sessions.url, description="Where the API answers")
