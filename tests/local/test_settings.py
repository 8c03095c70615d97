"""``cachetwin.toml``: what it may hold."""

from pathlib import Path

import pytest

from cachetwin_local.errors import UserError
from cachetwin_local.settings import ServiceSettings, Settings, read_settings

WHOLE = """
leave-out = ["Shop/Worker", "Bastion*"]

[parameters]
Size = "cache.t4g.micro"
"Shop:Count" = 2
Zones = ["a", "b"]
Encrypted = true

[imports]
shared-vpc = "vpc-1"

[ssm]
"/shop/color" = "blue"

[secrets]
"shop/token" = "t"
"shop/login" = { username = "me", password = "p" }

[services."Shop/*"]
environment = { DEBUG = 1 }
tasks = 2

[services."Shop/Web"]
process = "npm run dev"
folder = "web"
environment = { COLOR = "red" }

[ports]
"Shop/Cache" = 7000

[log-levels]
"Shop/Cache" = "debug"

[cluster-nodes]
"Shop/Cache" = "name"
"""


def test_a_whole_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "cachetwin.toml").write_text(WHOLE)
    settings = read_settings(tmp_path)
    assert settings.leave_out == ("Shop/Worker", "Bastion*")
    assert settings.parameters == {
        "Size": "cache.t4g.micro", "Shop:Count": "2", "Zones": "a,b", "Encrypted": "true"
    }  # fmt: skip
    assert (settings.imports, settings.ssm) == ({"shared-vpc": "vpc-1"}, {"/shop/color": "blue"})
    assert settings.secrets == {"shop/token": "t", "shop/login": '{"username": "me", "password": "p"}'}
    assert settings.service("Shop/Web", "Web") == ServiceSettings(
        tasks=2,
        environment={"DEBUG": "1", "COLOR": "red"},
        process="npm run dev",
        folder=(tmp_path / "web").resolve(),
    )
    assert settings.service("Other/Web") == ServiceSettings()
    assert (settings.port("Shop/Cache"), settings.port("Shop/Database")) == (7000, None)
    assert settings.log_level("Shop/Cache") == "debug"
    assert (settings.node_naming("Shop/Cache"), settings.node_naming("Shop/Other")) == ("name", "address")


def test_a_project_without_a_file_has_empty_settings(tmp_path: Path) -> None:
    assert read_settings(tmp_path) == Settings()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x", "must be TOML: "),
        ("leave_out = []", "must have keys of leave-out, .*, got leave_out; did you mean leave-out"),
        ('leave-out = "Web"', 'leave-out must be a list of names, got "Web"'),
        ("parameters = 1", "parameters must be a table, got 1"),
        ("[parameters]\nA = {b = 1}", r'parameters\.A must be a string, a number or a list, got \{"b": 1\}'),
        ("[services]\nWeb = 1", r"services\.Web must be a table, got 1"),
        ("[services.Web]\ntask = 1", r"services\.Web must have keys of tasks, .*, got task; did you mean tasks"),
        ("[services.Web]\ntasks = 51", r"services\.Web\.tasks must be a whole number from 0 to 50, got 51"),
        ("[services.Web]\ntasks = true", r"services\.Web\.tasks must be a whole number from 0 to 50, got true"),
        (
            '[services.Web]\nurl = "ftp://x"',
            r'services\.Web\.url must be a URL such as http://[\d.:]+, got "ftp:',
        ),
        ('[services.Web]\nurl = "http://x:99999"', r"services\.Web\.url must be a URL"),
        ('[services.Web]\nurl = "http://x"\nprocess = "y"', r"services\.Web must have process or url, got both"),
        ('[services.Web]\nfolder = "."', r"services\.Web\.folder must come with process, got none"),
        (
            '[services.Web]\nprocess = "x"\nfolder = "none"',
            r"services\.Web\.folder must be a folder, relative",
        ),
        ("[ports]\nCache = 0", r"ports\.Cache must be a whole number from 1 to 65535, got 0"),
        ('[log-levels]\nCache = "loud"', r'log-levels\.Cache must be one of debug, info, warning, error, got "loud"'),
        ('[cluster-nodes]\nCache = "host"', r'cluster-nodes\.Cache must be one of address, name, got "host"'),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "cachetwin.toml").write_text(text)
    with pytest.raises(UserError, match=rf"cachetwin\.toml:? {message}"):
        read_settings(tmp_path)


def test_snapshots_are_files_or_folders(tmp_path: Path) -> None:
    (tmp_path / "one.rdb").touch()
    (tmp_path / "many").mkdir()
    for name in ("b-0002.rdb", "b-0001.rdb"):
        (tmp_path / "many" / name).touch()
    (tmp_path / "cachetwin.toml").write_text('[snapshots]\n"arn:aws:s3:::b/x.rdb" = "one.rdb"\nnightly = ["many"]\n')
    assert read_settings(tmp_path).snapshots == {
        "arn:aws:s3:::b/x.rdb": (str(tmp_path / "one.rdb"),),
        "nightly": (str(tmp_path / "many" / "b-0001.rdb"), str(tmp_path / "many" / "b-0002.rdb")),
    }
    (tmp_path / "cachetwin.toml").write_text('[snapshots]\nnightly = "none.rdb"\n')
    with pytest.raises(UserError, match=r"snapshots\.nightly must be a file, or a folder with \.rdb files"):
        read_settings(tmp_path)
