"""RDS for PostgreSQL instances."""

import pytest
from tests.local.resources.templates import DATABASE, messages, one, plan_of, status, unreadable

from cachetwin_local.assembly.values.text import SecretRef


def test_a_database_with_a_managed_password_brings_the_secret_that_rds_makes() -> None:
    properties = {key: value for key, value in DATABASE.items() if key != "MasterUserPassword"}
    topology = plan_of(Db=one("RDS::DBInstance", **properties, ManageMasterUserPassword=True))
    (database,), (secret,) = topology.databases, topology.secrets
    assert database.password == (SecretRef(secret.identity.arn, "password"),)
    assert secret.generate is not None
    assert secret.generate.secret_string_template == '{"username":"app"}'
    assert secret.name.startswith("rds!db-")
    assert topology.problems == ()


@pytest.mark.parametrize(
    ("version", "parameter", "force_ssl"), [("14.10", None, False), ("16", None, True), ("17", "0", False)]
)
def test_tls_is_forced_from_postgresql_15_unless_the_parameter_group_says_otherwise(
    version: str, parameter: str | None, *, force_ssl: bool
) -> None:
    resources = {"Db": one("RDS::DBInstance", **DATABASE, EngineVersion=version)}
    if parameter is not None:
        resources["Parameters"] = one(
            "RDS::DBParameterGroup", Family="postgres17", Parameters={"rds.force_ssl": parameter}
        )
        resources["Db"]["Properties"]["DBParameterGroupName"] = {"Ref": "Parameters"}
    (database,) = plan_of(**resources).databases
    assert database.force_ssl is force_ssl
    assert database.parameters == {}


@pytest.mark.parametrize(
    ("engine", "servers", "reason"),
    [
        ("mysql", {"postgres"}, "neither a MySQL nor a MariaDB server is installed here"),
        ("mariadb", set(), "neither a MySQL nor a MariaDB server is installed here"),
        ("postgres", {"mysql"}, "no PostgreSQL server is installed here"),
        ("oracle-ee", {"postgres", "mysql"}, "only postgres, mysql, mariadb do"),
    ],
)
def test_a_database_without_a_server_for_it_is_named(engine: str, servers: set[str], reason: str) -> None:
    topology = plan_of(servers=servers, Db=one("RDS::DBInstance", **{**DATABASE, "Engine": engine}))
    assert status(topology, "Db") == ("not supported", f"{engine} does not run here: {reason}")


@pytest.mark.parametrize(
    ("engine", "version", "parameter", "force_ssl"),
    [
        ("mysql", "8.4.3", None, False),
        ("mysql", "9.7.1", None, True),
        ("mysql", "8.0", "ON", True),
        ("mariadb", "11.8.2", None, True),
        ("mariadb", "11.4", None, False),
    ],
)
def test_mysql_and_mariadb_run_where_a_server_is_installed(
    engine: str, version: str, parameter: str | None, *, force_ssl: bool
) -> None:
    given = {"max_connections": "50", **({"require_secure_transport": parameter} if parameter else {})}
    topology = plan_of(
        servers={"mysql"},
        Parameters=one("RDS::DBParameterGroup", Family="x", Parameters=given),
        Db=one(
            "RDS::DBInstance",
            **{**DATABASE, "Engine": engine, "EngineVersion": version},
            DBParameterGroupName={"Ref": "Parameters"},
            EnableIAMDatabaseAuthentication=True,
        ),
    )
    (database,) = topology.databases
    assert (database.engine, database.endpoint.port, database.force_ssl) == (engine, 3306, force_ssl)
    assert database.parameters == {"max_connections": "50"}
    assert not database.iam_authentication
    assert any("IAM tokens log in to PostgreSQL only here" in message for message in messages(topology))


@pytest.mark.parametrize("engine", ["mysql", "mariadb", "aurora-postgresql", "sqlserver-ex"])
def test_what_needs_a_database_that_does_not_run_gets_a_name_that_does_not_resolve(engine: str) -> None:
    """A secret that is attached to it, and an output of its address."""
    template = {"SecretStringTemplate": '{"username":"app"}', "GenerateStringKey": "password"}
    topology = plan_of(
        Secret=one("SecretsManager::Secret", GenerateSecretString=template),
        Db=one("RDS::DBInstance", **{**DATABASE, "Engine": engine}),
        Attachment=one(
            "SecretsManager::SecretTargetAttachment",
            SecretId={"Ref": "Secret"},
            TargetId={"Ref": "Db"},
            TargetType="AWS::RDS::DBInstance",
        ),
    )
    assert status(topology, "Db")[0] == "not supported"
    (secret,) = topology.secrets
    (attachment,) = secret.attachments
    assert attachment.values["engine"] == engine
    assert attachment.values["host"] == "endpoint-address.db.invalid"
    assert unreadable(topology) == {}


def test_a_database_without_a_password_is_an_error() -> None:
    topology = plan_of(Db=one("RDS::DBInstance", Engine="postgres"))
    assert "Db, MasterUserPassword: must be given, or ManageMasterUserPassword" in unreadable(topology)["Db"]
    assert topology.databases == ()


CLUSTER = {"Engine": "aurora-postgresql", "MasterUsername": "app", "MasterUserPassword": "x", "EngineVersion": "16.4"}


def test_an_aurora_cluster_runs_as_one_server_for_its_instances_and_both_endpoints() -> None:
    member = one("RDS::DBInstance", Engine="aurora-postgresql", DBClusterIdentifier={"Ref": "Db"})
    topology = plan_of(
        Db=one("RDS::DBCluster", **CLUSTER, DatabaseName="shop", Port=5433, VpcSecurityGroupIds=["sg-1"]),
        Writer=member,
        Reader=member,
    )
    (database,) = topology.databases
    assert (database.engine_version, database.db_name, database.endpoint.port) == ("16.4", "shop", 5433)
    assert database.security_groups == ("sg-1",)
    attributes = database.identity.attributes
    assert attributes["ReadEndpoint.Address"] == attributes["Endpoint.Address"] == database.endpoint.address
    assert status(topology, "Writer") == ("modelled", "one server stands for all instances of its cluster")


@pytest.mark.parametrize(
    ("version", "parameter", "force_ssl"), [("16.4", None, False), ("17", None, True), ("16", "1", True)]
)
def test_tls_is_forced_for_aurora_from_postgresql_17(version: str, parameter: str | None, *, force_ssl: bool) -> None:
    resources = {"Db": one("RDS::DBCluster", **{**CLUSTER, "EngineVersion": version})}
    if parameter is not None:
        resources["Parameters"] = one(
            "RDS::DBClusterParameterGroup", Family="x", Description="x", Parameters={"rds.force_ssl": parameter}
        )
        resources["Db"]["Properties"]["DBClusterParameterGroupName"] = {"Ref": "Parameters"}
    (database,) = plan_of(**resources).databases
    assert database.force_ssl is force_ssl


def test_a_secret_attached_to_a_cluster_says_where_it_is() -> None:
    topology = plan_of(
        Secret=one("SecretsManager::Secret", GenerateSecretString={}),
        Db=one("RDS::DBCluster", **CLUSTER, DatabaseName="shop"),
        Attachment=one(
            "SecretsManager::SecretTargetAttachment",
            SecretId={"Ref": "Secret"},
            TargetId={"Ref": "Db"},
            TargetType="AWS::RDS::DBCluster",
        ),
    )
    (secret,), (database,) = topology.secrets, topology.databases
    assert secret.attachments[0].values == {
        "engine": "aurora-postgresql",
        "host": database.endpoint.address,
        "port": 5432,
        "dbClusterIdentifier": database.identity.physical_name,
        "dbname": "shop",
    }


def test_a_cluster_of_another_engine_is_named() -> None:
    topology = plan_of(
        Db=one("RDS::DBCluster", **{**CLUSTER, "Engine": "neptune"}),
        Global=one("RDS::DBCluster", **CLUSTER, GlobalClusterIdentifier="g"),
    )
    assert status(topology, "Db") == (
        "not supported",
        "neptune does not run here: only aurora-postgresql, aurora-mysql, postgres, mysql do",
    )
    assert status(topology, "Global") == (
        "not supported",
        "a cluster with GlobalClusterIdentifier does not run here yet",
    )


def test_aurora_mysql_runs_on_a_mysql_server_without_forced_tls() -> None:
    version = "8.0.mysql_aurora.3.08.0"
    cluster = one("RDS::DBCluster", **{**CLUSTER, "Engine": "aurora-mysql", "EngineVersion": version})
    (database,) = plan_of(servers={"mysql"}, Db=cluster).databases
    assert (database.engine, database.engine_version, database.endpoint.port) == ("mysql", version, 3306)
    assert not database.force_ssl


def test_iam_tokens_log_in_where_the_template_says_so() -> None:
    allowed = one("RDS::DBInstance", **DATABASE, EnableIAMDatabaseAuthentication=True)
    databases = plan_of(A=allowed, B=one("RDS::DBInstance", **DATABASE)).databases
    assert [one.iam_authentication for one in databases] == [True, False]


def test_a_cluster_with_a_managed_password_brings_the_secret_that_rds_makes() -> None:
    properties = {key: value for key, value in CLUSTER.items() if key != "MasterUserPassword"}
    topology = plan_of(Db=one("RDS::DBCluster", **properties, ManageMasterUserPassword=True))
    (database,), (secret,) = topology.databases, topology.secrets
    assert database.password == (SecretRef(secret.identity.arn, "password"),)
    assert secret.name.startswith("rds!cluster-")
