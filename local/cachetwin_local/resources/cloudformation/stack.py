"""AWS::CloudFormation::Stack: a nested stack, planned with the app's own where its template is in the assembly."""

from cachetwin_local.assembly.graph import Graph
from cachetwin_local.assembly.resolved import Description, Resolved
from cachetwin_local.assembly.template import Stack
from cachetwin_local.resources.context import Context, Translation
from cachetwin_local.resources.shape import name_fields, placeholder_attribute
from cachetwin_local.topology.address_plan import AddressPlan


def describe(address_plan: AddressPlan, graph: Graph, resolved: Resolved, stack: Stack) -> Description:
    """``Ref`` gives the ARN; the graph itself answers for the outputs of a nested stack that it knows."""
    fields = name_fields(resolved, stack)
    name = f"{stack.name_on_aws}-{fields['logical_id']}-{fields['suffix']}"
    arn = f"arn:{fields['partition']}:cloudformation:{stack.region}:{stack.account}:stack/{name}/{fields['uuid']}"
    return Description(arn, name, arn, {}, lambda attribute: placeholder_attribute(fields, attribute))


def translate(context: Context, resolved: Resolved) -> Translation:
    """Nothing of its own: the resources of its template are planned each by itself."""
    resource = resolved.resource
    for stack in context.assembly.stacks.values():
        if (stack.parent, stack.parent_logical_id) == (resource.stack, resource.logical_id):
            return Translation(
                (), f"a nested stack: its {len(stack.resources)} resources are planned with the app's", "modelled"
            )
    return Translation((), "a nested stack whose template is not in the assembly does not run here", "not supported")
