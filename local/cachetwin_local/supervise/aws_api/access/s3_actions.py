"""The actions of S3 that a request needs, by its method, its path and its query. Pure.

Source: the service authorization reference, "Actions, resources, and condition keys for Amazon S3", and "Required
permissions for Amazon S3 API operations" in its user guide. Paths are path-style, ``/bucket/key``.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote

from cachetwin_local.supervise.aws_api.protocol.calls import ApiCall

__all__ = ["s3_needs"]

_BUCKET_READS: Final = {
    "acl": "GetBucketAcl", "cors": "GetBucketCORS", "encryption": "GetEncryptionConfiguration",
    "lifecycle": "GetLifecycleConfiguration", "location": "GetBucketLocation", "logging": "GetBucketLogging",
    "notification": "GetBucketNotification", "policy": "GetBucketPolicy", "tagging": "GetBucketTagging",
    "uploads": "ListBucketMultipartUploads", "versioning": "GetBucketVersioning", "versions": "ListBucketVersions",
    "website": "GetBucketWebsite", "publicAccessBlock": "GetBucketPublicAccessBlock",
    "ownershipControls": "GetBucketOwnershipControls",
}  # fmt: skip
_BUCKET_WRITES: Final = {
    "acl": "PutBucketAcl", "cors": "PutBucketCORS", "encryption": "PutEncryptionConfiguration",
    "lifecycle": "PutLifecycleConfiguration", "logging": "PutBucketLogging", "notification": "PutBucketNotification",
    "policy": "PutBucketPolicy", "tagging": "PutBucketTagging", "versioning": "PutBucketVersioning",
    "website": "PutBucketWebsite", "publicAccessBlock": "PutBucketPublicAccessBlock",
    "ownershipControls": "PutBucketOwnershipControls",
}  # fmt: skip
_BUCKET_DELETES: Final = {"policy": "DeleteBucketPolicy", "website": "DeleteBucketWebsite"}
_OBJECT: Final[Mapping[str, tuple[str, Mapping[str, str]]]] = {
    "GET": (
        "GetObject",
        {"acl": "GetObjectAcl", "tagging": "GetObjectTagging", "uploadId": "ListMultipartUploadParts"},
    ),
    "HEAD": ("GetObject", {}),
    "PUT": ("PutObject", {"acl": "PutObjectAcl", "tagging": "PutObjectTagging"}),
    "POST": ("PutObject", {"restore": "RestoreObject", "select": "GetObject"}),
    "DELETE": ("DeleteObject", {"tagging": "DeleteObjectTagging", "uploadId": "AbortMultipartUpload"}),
}


def s3_needs(call: ApiCall, partition: str) -> list[tuple[str, str]]:
    """The actions with the ARNs of the bucket or the object."""
    method, path = call.operation, str(call.parameters["path"]).lstrip("/")
    query: Mapping[str, str] = call.parameters["query"]
    bucket, _, key = path.partition("/")
    if not bucket:
        return [("s3:ListAllMyBuckets", "*")]
    arn = f"arn:{partition}:s3:::{bucket}"
    if not key:
        return [(f"s3:{_bucket_action(method, query)}", f"{arn}/*" if "delete" in query else arn)]
    action, others = _OBJECT.get(method, ("GetObject", {}))
    action = next((other for name, other in others.items() if name in query), action)
    version = "Version" if "versionId" in query and action in _WITH_VERSIONS else ""
    needs = [(f"s3:{action}{version}", f"{arn}/{key}")]
    source = call.parameters.get("copy_source")
    if method == "PUT" and source:
        needs.append(("s3:GetObject", f"arn:{partition}:s3:::{unquote(str(source)).lstrip('/').partition('?')[0]}"))
    return needs


_WITH_VERSIONS: Final = frozenset({"GetObject", "DeleteObject"})


def _bucket_action(method: str, query: Mapping[str, str]) -> str:
    if method == "POST":
        return "DeleteObject" if "delete" in query else "PutObject"
    tables = {"GET": _BUCKET_READS, "PUT": _BUCKET_WRITES, "DELETE": _BUCKET_DELETES}
    plain = {"GET": "ListBucket", "HEAD": "ListBucket", "PUT": "CreateBucket", "DELETE": "DeleteBucket"}
    named = next((action for name, action in tables.get(method, {}).items() if name in query), None)
    return named or plain.get(method, "ListBucket")
