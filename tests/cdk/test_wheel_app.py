"""An app outside this repository, with nothing of ours but the wheel: it imports, synthesises and snapshot-tests itself."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent
BUILD_SECONDS_MAX = 120
APP = """
from cachetwin_cdk import CacheAlarms, ReplicationGroup, UserPasswordRotation  # isort: skip  (first: it chooses Node)
import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2


class ShopStack(cdk.Stack):
    def __init__(self, scope: cdk.App, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        vpc = ec2.Vpc(self, "Vpc", max_azs=2, nat_gateways=0, restrict_default_security_group=False)
        private = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
        cache = ReplicationGroup(self, "Cache", vpc=vpc, vpc_subnets=private)
        CacheAlarms(self, "Alarms", cache=cache)
        UserPasswordRotation(self, "Rotation", user=cache.user)
"""
TEST = """
from pathlib import Path

import cachetwin_cdk
from cachetwin_cdk.testing import TemplateSnapshot, normalised
from shop import ShopStack
import aws_cdk as cdk
from aws_cdk.assertions import Template


def test_the_constructs_come_from_the_wheel():
    assert "site-packages" in cachetwin_cdk.__file__
    assert Path(cachetwin_cdk.__file__).with_name("py.typed").is_file()


def test_the_template_is_the_one_we_reviewed(snapshot):
    template = Template.from_stack(ShopStack(cdk.App(analytics_reporting=False), "Shop")).to_json()
    types = {resource["Type"] for resource in template["Resources"].values()}
    assert {"AWS::ElastiCache::ReplicationGroup", "AWS::CloudWatch::Alarm", "AWS::Lambda::Function"} <= types
    assert normalised(template) == snapshot(extension_class=TemplateSnapshot)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pure wheel, built from a copy of the sources so that nothing is left behind in them."""
    copy = tmp_path_factory.mktemp("source")
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(lambda name: (ROOT / name).is_file(), tracked.split("\0")):
        if name.split("/")[0] in {"constructs", "engine", "local"} or "/" not in name:
            target = copy / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target)
    command = [PROGRAMS / "uv", "build", "--quiet", "--wheel", "--no-build-isolation", "--python", sys.executable]
    subprocess.run(
        [*map(str, command), "--out-dir", str(copy / "dist")], cwd=copy, check=True, timeout=BUILD_SECONDS_MAX
    )
    (built,) = (copy / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def app(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an app, its test and an environment of its own; the dependencies are those of this environment."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "shop.py").write_text(APP)
    (folder / "test_shop.py").write_text(TEST)
    uv = str(PROGRAMS / "uv")
    python = folder / ".venv" / "bin" / "python"
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(folder / ".venv")], check=True)
    install = [uv, "pip", "install", "--quiet", "--python", str(python), "--no-deps", str(wheel)]
    subprocess.run(install, check=True, timeout=BUILD_SECONDS_MAX)
    # Ours is installed as a folder of sources, which a .pth names: the app must see everything but that.
    packages = Path(pytest.__file__).parents[1]
    site = next((folder / ".venv" / "lib").glob("python*/site-packages"))
    for entry in packages.iterdir():
        if "cachetwin" not in entry.name and not (site / entry.name).exists() and entry.suffix != ".pth":
            (site / entry.name).symlink_to(entry)
    return folder


def run_tests(app: Path, *options: str) -> subprocess.CompletedProcess[str]:
    python = app / ".venv" / "bin" / "python"
    command = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    return subprocess.run(command, cwd=app, capture_output=True, text=True, check=False, timeout=BUILD_SECONDS_MAX)


def test_an_app_with_only_the_wheel_tests_its_own_template(app: Path) -> None:
    written = run_tests(app, "--snapshot-update")
    assert written.returncode == 0, written.stdout + written.stderr
    (snapshot,) = app.rglob("*.template.json")
    snapshot.write_text(snapshot.read_text().replace("cache.t4g.small", "cache.t4g.medium"))
    changed = run_tests(app)
    assert changed.returncode == 1
    assert "cache.t4g.medium" in changed.stdout
