"""RDS for PostgreSQL instances."""

import pytest
from tests.local.resources.templates import DATABASE, one, plan_of, status, unreadable

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


def test_another_database_engine_is_said_not_to_run() -> None:
    topology = plan_of(Db=one("RDS::DBInstance", **{**DATABASE, "Engine": "mysql"}))
    assert status(topology, "Db") == ("not supported", "mysql does not run here: only postgres does")


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
    assert status(topology, "Db") == ("not supported", f"{engine} does not run here: only postgres does")
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
        Db=one("RDS::DBCluster", **{**CLUSTER, "Engine": "aurora-mysql"}),
        Global=one("RDS::DBCluster", **CLUSTER, GlobalClusterIdentifier="g"),
    )
    assert status(topology, "Db") == (
        "not supported",
        "aurora-mysql does not run here: only aurora-postgresql and postgres do",
    )
    assert status(topology, "Global") == (
        "not supported",
        "a cluster with GlobalClusterIdentifier does not run here yet",
    )


def test_a_cluster_with_a_managed_password_brings_the_secret_that_rds_makes() -> None:
    properties = {key: value for key, value in CLUSTER.items() if key != "MasterUserPassword"}
    topology = plan_of(Db=one("RDS::DBCluster", **properties, ManageMasterUserPassword=True))
    (database,), (secret,) = topology.databases, topology.secrets
    assert database.password == (SecretRef(secret.identity.arn, "password"),)
    assert secret.name.startswith("rds!cluster-")
