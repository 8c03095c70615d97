"""Files of parameters."""

from pathlib import Path

import pytest

from cachetwin_local.cli.sources import Wanted, planner_of
from cachetwin_local.errors import UserError
from cachetwin_local.parameters import read_parameters_file
from cachetwin_local.project import Project

FORMS = {
    "object.json": '{"Size": "small", "Count": 2, "Zones": ["a", "b"], "On": true}',
    "wrapped.yaml": "Parameters:\n  Size: small\n  Count: 2\n  Zones: [a, b]\n  On: true\n",
    "list.json": """[{"ParameterKey": "Size", "ParameterValue": "small"}, {"ParameterKey": "Count", "ParameterValue": "2"},
        {"ParameterKey": "Zones", "ParameterValue": "a,b"}, {"ParameterKey": "On", "ParameterValue": "true"}]""",
    "pairs.yaml": "[Size=small, Count=2, 'Zones=a,b', On=true]",
}


@pytest.mark.parametrize("name", FORMS)
def test_every_form_gives_the_same_values(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(FORMS[name])
    assert read_parameters_file(path) == {"Size": "small", "Count": "2", "Zones": "a,b", "On": "true"}


@pytest.mark.parametrize("text", ["7", "[7]", '{"A": {"b": 1}}', '{"A": null}'])
def test_another_form_is_an_error_that_names_the_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "p.json"
    path.write_text(text)
    with pytest.raises(UserError, match=r"--parameters-file .*p\.json"):
        read_parameters_file(path)
    with pytest.raises(UserError, match="cannot be read"):
        read_parameters_file(tmp_path / "none.json")


def test_a_parameter_of_the_command_line_that_no_template_has_is_refused_with_the_nearest(tmp_path: Path) -> None:
    template = tmp_path / "shop.yaml"
    template.write_text("Parameters: {Size: {Type: String}}\nResources: {Topic: {Type: 'AWS::SNS::Topic'}}\n")
    project = Project(tmp_path, {}, template)
    for known in ("Size=small", "shop:Size=small"):
        planner_of(project, Wanted(parameters=[known]))
    with pytest.raises(
        UserError, match="--parameters must name a parameter of the templates, Size, got Siez; did you mean"
    ):
        planner_of(project, Wanted(parameters=["Siez=small"]))
