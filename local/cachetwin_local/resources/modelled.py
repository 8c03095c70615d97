"""Types that need nothing running here, and known types that do not run here yet.

``modelled`` types are read and checked and affect what runs: security groups limit connections, parameter groups
configure servers. ``not supported`` types are listed by `plan`. A type in neither table nor `TRANSLATORS` is not
supported either; its attributes are names that do not resolve.
"""

from collections.abc import Mapping
from typing import Final

from .shape import Pattern, Shape

_ARN = "arn:{partition}:{service}:{region}:{account}:"
_NETWORK = "part of the network; loopback addresses stand for it"
_POLICY = "decides what its roles may do with caches and at AWS's APIs here"
_OF_RESOURCES = "policies of resources are not evaluated here: the policies of roles are"
_OF_DELIVERIES = "decides which services of AWS may deliver to what it is of; roles need only their own policies here"


def _ec2(prefix: str, resource: str, note: str = _NETWORK, **attributes: str) -> Shape:
    name = prefix + "-{hex17}"
    return Shape("modelled", note, name=name, arn=_ARN + resource + "/{name}", attributes=attributes)


def _namespace(kind: str) -> Shape:
    attributes: dict[str, Pattern] = {"Arn": "{arn}", "Id": "{name}", "Name": "=Name"}
    if kind == "dns":
        attributes["HostedZoneId"] = "Z{suffix}"
    note = "the names in it resolve for what runs here"
    return Shape("modelled", note, name="ns-{hex17}", arn=_ARN + "namespace/{name}", attributes=attributes)


def _unsupported(note: str, name_property: str | None = None) -> Shape:
    return Shape("not supported", note, name_property=name_property, attributes=None)


MODELLED: Final[Mapping[str, Shape]] = {
    "AWS::CDK::Metadata": Shape("modelled", "says which constructs made the template; nothing to run"),
    "AWS::CertificateManager::Certificate": Shape(
        "modelled",
        "the local CA signs the endpoints' certificates",
        ref="{arn}",
        arn=_ARN.replace("{service}", "acm") + "certificate/{uuid}",
    ),
    "AWS::EC2::VPC": Shape(
        "modelled",
        "its address range counts in security group rules; loopback addresses stand for it",
        name="vpc-{hex17}",
        arn=_ARN + "vpc/{name}",
        attributes={
            "VpcId": "{name}",
            "CidrBlock": "=CidrBlock",
            "CidrBlockAssociations": ["vpc-cidr-assoc-{hex17}"],
            "DefaultNetworkAcl": "acl-{hex17}",
            "DefaultSecurityGroup": "sg-{hex17}",
            "Ipv6CidrBlocks": [],
        },
    ),
    "AWS::EC2::Subnet": Shape(
        "modelled",
        "its address range counts in security group rules, its zone names the nodes'",
        name="subnet-{hex17}",
        arn=_ARN + "subnet/{name}",
        attributes={
            "SubnetId": "{name}",
            "AvailabilityZone": "=AvailabilityZone",
            "AvailabilityZoneId": "use1-az1",
            "CidrBlock": "=CidrBlock",
            "Ipv6CidrBlocks": [],
            "NetworkAclAssociationId": "aclassoc-{hex17}",
            "OutpostArn": "",
            "VpcId": "=VpcId",
        },
    ),
    "AWS::EC2::SecurityGroup": _ec2(
        "sg",
        "security-group",
        "its rules are checked against the paths that the app needs",
        GroupId="{name}",
        Id="{name}",
        VpcId="=VpcId",
        GroupName="=GroupName",
    ),
    "AWS::EC2::SecurityGroupIngress": _ec2("sgr", "security-group-rule", "a rule of its security group", Id="{name}"),
    "AWS::EC2::SecurityGroupEgress": _ec2("sgr", "security-group-rule", "a rule of its security group", Id="{name}"),
    "AWS::EC2::RouteTable": _ec2("rtb", "route-table", RouteTableId="{name}"),
    "AWS::EC2::Route": _ec2("r", "route", CidrBlock="=DestinationCidrBlock"),
    "AWS::EC2::SubnetRouteTableAssociation": _ec2("rtbassoc", "association", Id="{name}"),
    "AWS::EC2::InternetGateway": _ec2("igw", "internet-gateway", InternetGatewayId="{name}"),
    "AWS::EC2::VPCGatewayAttachment": _ec2("IGW", "attachment", AttachmentType="IGW"),
    "AWS::EC2::EIP": _ec2("eipalloc", "elastic-ip", AllocationId="{name}", PublicIp="192.0.2.1"),
    "AWS::EC2::NatGateway": _ec2("nat", "natgateway", NatGatewayId="{name}"),
    "AWS::EC2::NetworkAcl": _ec2("acl", "network-acl", "not checked: only security groups are", Id="{name}"),
    "AWS::EC2::NetworkAclEntry": _ec2("acle", "entry", "not checked: only security groups are", Id="{name}"),
    "AWS::EC2::SubnetNetworkAclAssociation": _ec2("aclassoc", "association", AssociationId="{name}"),
    "AWS::EC2::FlowLog": _ec2("fl", "vpc-flow-log", "no packets cross a network here", Id="{name}"),
    "AWS::EC2::VPCEndpoint": _ec2(
        "vpce", "vpc-endpoint", "AWS APIs are not reached through the network here", Id="{name}"
    ),
    "AWS::IAM::Role": Shape(
        "modelled",
        "its policies decide what its services and functions may do with caches and at AWS's APIs here",
        name_property="RoleName",
        arn="arn:{partition}:iam::{account}:role/{name}",
        attributes={"Arn": "{arn}", "RoleId": "AROA{suffix}"},
    ),
    "AWS::IAM::Policy": Shape("modelled", _POLICY, name_property="PolicyName", attributes={"Id": "{name}"}),
    "AWS::IAM::RolePolicy": Shape("modelled", _POLICY, name_property="PolicyName"),
    "AWS::IAM::ManagedPolicy": Shape(
        "modelled",
        _POLICY,
        name_property="ManagedPolicyName",
        ref="{arn}",
        arn="arn:{partition}:iam::{account}:policy/{name}",
        attributes={"PolicyArn": "{arn}", "PolicyId": "ANPA{suffix}"},
    ),
    "AWS::IAM::ServiceLinkedRole": Shape(
        "modelled", "the service's own role; nothing to run", attributes={"RoleName": "{name}"}
    ),
    "AWS::Logs::LogStream": Shape("modelled", "logs are in the runner's log folder", name_property="LogStreamName"),
    "AWS::Logs::ResourcePolicy": Shape("modelled", _OF_RESOURCES, name_property="PolicyName"),
    "AWS::ElastiCache::SubnetGroup": Shape(
        "modelled",
        "says in which subnets, and so in which address ranges and zones, its caches are",
        name="{lower}-{hex12}",
        name_property="CacheSubnetGroupName",
        arn=_ARN + "subnetgroup:{name}",
    ),
    "AWS::RDS::DBSubnetGroup": Shape(
        "modelled",
        "says in which subnets, and so in which address ranges, its databases are",
        name="{lower}-{hex12}",
        name_property="DBSubnetGroupName",
        arn=_ARN + "subgrp:{name}",
    ),
    "AWS::RDS::DBParameterGroup": Shape(
        "modelled",
        "its parameters are given to the databases that name it",
        name="{lower}-{hex12}",
        name_property="DBParameterGroupName",
        arn=_ARN + "pg:{name}",
        attributes={"DBParameterGroupName": "{name}"},
    ),
    "AWS::RDS::DBClusterParameterGroup": Shape(
        "modelled",
        "its parameters are given to the clusters that name it",
        name="{lower}-{hex12}",
        name_property="DBClusterParameterGroupName",
        arn=_ARN + "cluster-pg:{name}",
        attributes={"DBClusterParameterGroupName": "{name}"},
    ),
    "AWS::ECS::Cluster": Shape(
        "modelled",
        "its services run as processes on this machine",
        name_property="ClusterName",
        arn=_ARN + "cluster/{name}",
        attributes={"Arn": "{arn}"},
    ),
    "AWS::ECS::ClusterCapacityProviderAssociations": Shape("modelled", "every task runs on this machine"),
    "AWS::SecretsManager::ResourcePolicy": Shape("modelled", _OF_RESOURCES),
    "AWS::SecretsManager::RotationSchedule": _unsupported("secrets do not rotate here yet"),
    "AWS::ApiGateway::Account": Shape("modelled", "a setting of the account; nothing to run"),
    "AWS::CloudWatch::Dashboard": _unsupported("there are no dashboards here yet", "DashboardName"),
    "AWS::Lambda::EventInvokeConfig": Shape("modelled", "its function's asynchronous invocations follow it"),
    "AWS::Lambda::LayerVersion": Shape(
        "modelled",
        "its content is on the path of the functions that name it",
        name="{logical_id}{hex6}",
        name_property="LayerName",
        ref="{arn}",
        arn=_ARN + "layer:{name}:1",
        attributes={"LayerVersionArn": "{arn}"},
    ),
    "AWS::Lambda::Permission": Shape("modelled", _OF_DELIVERIES, attributes={"Id": "{name}"}),
    "AWS::Route53::HostedZone": _unsupported("names are not resolved here yet; endpoints have loopback addresses"),
    "AWS::Route53::RecordSet": _unsupported("names are not resolved here yet; endpoints have loopback addresses"),
    "AWS::S3::BucketPolicy": Shape("modelled", _OF_RESOURCES),
    "AWS::ServiceDiscovery::HttpNamespace": _namespace("http"),
    "AWS::ServiceDiscovery::PrivateDnsNamespace": _namespace("dns"),
    "AWS::ServiceDiscovery::Service": Shape(
        "modelled",
        "its name stands for the addresses of the tasks of the services that register there",
        name="srv-{hex17}",
        arn=_ARN + "service/{name}",
        attributes={"Arn": "{arn}", "Id": "{name}", "Name": "=Name"},
    ),
    "AWS::SNS::TopicPolicy": Shape("modelled", _OF_DELIVERIES, attributes={"Id": "{name}"}),
    "AWS::SQS::QueuePolicy": Shape("modelled", _OF_DELIVERIES, attributes={"Id": "{name}"}),
}

UNKNOWN: Final = _unsupported("the runner does not know this type; nothing runs for it")


def shape_of(type_name: str) -> Shape:
    """The shape of a type that is in no translator's hands."""
    return MODELLED.get(type_name, UNKNOWN)
