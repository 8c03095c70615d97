"""What is done with each property of AWS::CloudFormation types."""

from cachetwin_local.resources.property_use import PropertyUse, recorded

STACK = PropertyUse.of(
    "TemplateURL",
    {
        **recorded("checked where the nested template uses them", "Parameters"),
        **recorded("nothing is deployed here", "NotificationARNs TimeoutInMinutes"),
        **recorded("nothing here reads tags", "Tags"),
    },
)
