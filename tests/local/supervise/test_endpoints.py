"""The variables of `cachetwin env`."""

from dataclasses import replace
from pathlib import Path

from tests.local.supervise.tiny_app import topology

from cachetwin_local.supervise.endpoints import endpoint_variables
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.topology.values import Database, Topology


def databases(one: Database, *keys: str) -> Topology:
    """A topology with a database for each ``Stack/LogicalId``."""
    made = []
    for key in keys:
        stack, _, logical_id = key.partition("/")
        made.append(
            replace(one, identity=replace(one.identity, stack=stack, logical_id=logical_id), db_name=logical_id)
        )
    return replace(topology("127.0.0.1", 8080), load_balancers=(), databases=tuple(made))


def hosts(run_context: RunContext, plan: Topology) -> dict[str, str]:
    found = endpoint_variables(plan, run_context.secrets, Path("/ca.pem"), with_secrets=False)
    return {name.removesuffix("_NAME"): value for name, value in found.items() if name.endswith("_NAME")}


def test_a_resource_is_named_by_its_logical_id(run_context: RunContext, database: Database) -> None:
    assert hosts(run_context, databases(database, "Shop/ShopDb1A2B3C4D", "Shop/Other")) == {
        "SHOP_DB": "ShopDb1A2B3C4D",
        "OTHER": "Other",
    }


def test_equal_logical_ids_of_two_stacks_are_told_apart(run_context: RunContext, database: Database) -> None:
    assert hosts(run_context, databases(database, "Shop/Db", "Blog/Db", "Blog/Other")) == {
        "SHOP_DB": "Db",
        "BLOG_DB": "Db",
        "OTHER": "Other",
    }


def test_ids_that_differ_in_their_hash_alone_are_told_apart(run_context: RunContext, database: Database) -> None:
    assert hosts(run_context, databases(database, "Shop/Db1A2B3C4D", "Shop/Db99999999")) == {
        "SHOP_DB1A2B3C4D": "Db1A2B3C4D",
        "SHOP_DB99999999": "Db99999999",
    }


def test_no_name_is_given_twice(run_context: RunContext, database: Database) -> None:
    found = hosts(run_context, databases(database, "Shop/ShopDb", "Shop/Db", "Blog/Db"))
    assert (found["SHOP_DB"], len(found)) == ("ShopDb", 3)
