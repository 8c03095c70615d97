"""What is done with each property of AWS::SecretsManager types."""

from cachetwin_local.resources.property_use import PropertyUse, recorded

SECRET = PropertyUse.of(
    "GenerateSecretString.* Name SecretString",
    {
        **recorded("a text for people", "Description Type"),
        **recorded("nothing is encrypted at rest here", "KmsKeyId"),
        **recorded("every region is this machine", "ReplicaRegions"),
        **recorded("nothing here reads tags", "Tags"),
    },
)

SECRET_TARGET_ATTACHMENT = PropertyUse.of("SecretId TargetId TargetType")
