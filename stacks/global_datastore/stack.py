"""A global datastore as it is deployed: a primary, and a stack for each region that follows it.

The two stacks know each other by the global datastore's id alone, an output of the first and a parameter of the second, so
that neither has an account or a region built in.
"""

import aws_cdk as cdk
from constructs import Construct
from stacks.foundation import alarm_topic, private_network

from cachetwin_cdk import (
    Access,
    AccessString,
    CacheAlarms,
    GlobalDatastore,
    NodeType,
    PasswordUser,
    ReplicationGroup,
    SecondaryReplicationGroup,
    UserGroup,
)


class PrimaryStack(cdk.Stack):
    """The region that is written."""

    def __init__(self, scope: Construct, construct_id: str, *, region: str | None = None) -> None:
        environment = cdk.Environment(region=region)
        super().__init__(scope, construct_id, env=environment, description="Global datastore: the primary region")
        cache = ReplicationGroup(self, "Cache", vpc=private_network(self), node_type=NodeType.M7G_LARGE)
        datastore = GlobalDatastore(self, "Global", primary=cache, id_suffix="catalogue")
        CacheAlarms(self, "Alarms", cache=cache, topic=alarm_topic(self))
        cdk.CfnOutput(self, "Endpoint", value=cache.primary_endpoint.socket_address)
        cdk.CfnOutput(self, "GlobalReplicationGroupId", value=datastore.global_replication_group_id)


class SecondaryStack(cdk.Stack):
    """A region that follows; deploy it elsewhere, with the id that the primary's stack puts out."""

    def __init__(self, scope: Construct, construct_id: str, *, region: str | None = None) -> None:
        environment = cdk.Environment(region=region)
        super().__init__(scope, construct_id, env=environment, description="Global datastore: a region that follows")
        global_id = cdk.CfnParameter(
            self,
            "GlobalReplicationGroupId",
            # Each region has a prefix of its own; the API reference names that of us-west-1.
            default="dsdfu-catalogue",
            description="Output of the primary's stack; the default is right for a primary in us-west-1",
        )
        datastore = GlobalDatastore.from_global_replication_group_attributes(
            self, "Global", global_replication_group_id=global_id.value_as_string
        )
        reader = PasswordUser(self, "Reader", access_string=AccessString.read_only())
        cache = SecondaryReplicationGroup(
            self,
            "Cache",
            global_datastore=datastore,
            vpc=private_network(self),
            access=Access.user_group(UserGroup(self, "Users", users=[reader])),
        )
        CacheAlarms(self, "Alarms", cache=cache, topic=alarm_topic(self))
        cdk.CfnOutput(self, "Endpoint", value=cache.reader_endpoint.socket_address)
