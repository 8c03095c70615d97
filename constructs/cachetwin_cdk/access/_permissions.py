"""The method ``grant`` of every resource that has an ARN."""

from aws_cdk import aws_iam as iam


class Permissions:
    """Permissions for actions of ElastiCache on one resource."""

    @property
    def _arn(self) -> str:
        raise NotImplementedError

    def grant(self, grantee: iam.IGrantable, *actions: str) -> iam.Grant:
        """Let ``grantee`` use these actions on this resource, such as ``elasticache:ListTagsForResource``."""
        return iam.Grant.add_to_principal(grantee=grantee, actions=sorted(actions), resource_arns=[self._arn])
