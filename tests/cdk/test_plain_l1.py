"""The plain L1 program that synthesis is measured beside: it gives the very template, for it is compared before timing."""

import json
from pathlib import Path

import aws_cdk as cdk
import pytest
from benchmarks.plain_l1 import Assets, write_program
from benchmarks.synth_time import plain_program
from stacks.app import build

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["web-app", "session-api", "messaging"])
def test_the_program_gives_the_template_it_was_written_for(name: str, tmp_path: Path) -> None:
    context = {**json.loads((ROOT / "cdk.json").read_text())["context"], "stack": name}
    app = cdk.App(analytics_reporting=False, context=context, outdir=str(tmp_path))
    build(app)
    (stack,) = app.synth().stacks
    plain_program(stack, context, tmp_path, None)  # raises when its template is another


def test_a_program_is_what_a_person_would_write(tmp_path: Path) -> None:
    (tmp_path / "Shop.assets.json").write_text('{"files": {}}')
    template = {
        "Resources": {
            "Group": {
                "Type": "AWS::EC2::SecurityGroup",
                "Properties": {
                    "GroupDescription": {"Fn::Join": ["", ["of ", {"Ref": "AWS::Region"}, ' "{x}"']]},
                    "VpcId": {"Ref": "Net"},
                    "Tags": [{"Key": "a", "Value": "b"}],
                },
                "DeletionPolicy": "Retain",
            },
            "Net": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16", "EnableDnsSupport": True}},
        },
        "Outputs": {"Id": {"Value": {"Fn::GetAtt": ["Group", "GroupId"]}}},
    }
    assert write_program(template, Assets.of(tmp_path, "Shop"), {"Net": {"R1": "so"}}) == (
        "import aws_cdk as cdk\n"
        "from aws_cdk import aws_ec2\n"
        "\n"
        "\n"
        "def define(stack):\n"
        "    Net = aws_ec2.CfnVPC(stack, 'Net', cidr_block='10.0.0.0/16', enable_dns_support=True)\n"
        "    cdk.Validations.of(Net).acknowledge(cdk.Acknowledgment(id='R1', reason='so'))\n"
        "    Group = aws_ec2.CfnSecurityGroup(stack, 'Group', "
        'group_description=f"of {cdk.Aws.REGION} \\"{{x}}\\"", vpc_id=Net.ref, '
        "tags=[cdk.CfnTag(key='a', value='b')])\n"
        "    Group.cfn_options.deletion_policy = cdk.CfnDeletionPolicy.RETAIN\n"
        "    cdk.CfnOutput(stack, 'Id', value=Group.attr_group_id, description=None)\n"
    )
