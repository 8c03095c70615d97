"""What stands beside the network, and what is folded away: by type."""

from typing import Final

LANES: Final = {
    "AWS::SQS::Queue": "Queues",
    "AWS::SNS::Topic": "Topics",
    "AWS::Kinesis::Stream": "Streams",
    "AWS::KinesisFirehose::DeliveryStream": "Delivery streams",
    "AWS::Events::EventBus": "Event buses",
    "AWS::S3::Bucket": "Buckets",
    "AWS::SecretsManager::Secret": "Secrets",
    "AWS::SSM::Parameter": "Parameters",
    "AWS::KMS::Key": "Keys",
    "AWS::Cognito::UserPool": "User pools",
    "AWS::CertificateManager::Certificate": "Certificates",
    "AWS::Route53::HostedZone": "Hosted zones",
    "AWS::Route53::RecordSet": "Names",
    "AWS::ECR::Repository": "Image repositories",
    "AWS::CloudWatch::Alarm": "Alarms",
    "AWS::CloudWatch::CompositeAlarm": "Alarms",
    "AWS::CloudWatch::Dashboard": "Dashboards",
    "AWS::Logs::LogGroup": "Log groups",
    "AWS::ElastiCache::GlobalReplicationGroup": "Global datastores",
    "AWS::ServiceDiscovery::PrivateDnsNamespace": "Namespaces",
    "AWS::EC2::VPCEndpoint": "VPC endpoints",
}
"""The lane of each type that is listed by name beside the network, in the order of the picture."""

SUPPORTING_PREFIXES: Final = (
    "AWS::ApiGateway::",
    "AWS::ApiGatewayV2::",
    "AWS::ApplicationAutoScaling::",
    "AWS::AutoScaling::",
    "AWS::CDK::",
    "AWS::CloudFormation::",
    "AWS::CloudFront::",
    "AWS::EC2::",
    "AWS::ECS::",
    "AWS::EFS::",
    "AWS::ElastiCache::",
    "AWS::ElasticLoadBalancingV2::",
    "AWS::IAM::",
    "AWS::KMS::",
    "AWS::Lambda::",
    "AWS::Logs::",
    "AWS::RDS::",
    "AWS::S3::",
    "AWS::SNS::",
    "AWS::SQS::",
    "AWS::SecretsManager::",
    "AWS::ServiceDiscovery::",
    "Custom::",
)
"""Services whose other types only shape what is drawn: rules, roles, policies, routes, parameter groups, versions."""
