"""The GEORADIUS family."""

from tests.engine.in_process import Run

from cachetwin_engine.core.protocol.replies import bulk_array

SICILY = "GEOADD Sicily 13.361389 38.115556 Palermo 15.087269 37.502669 Catania"


def test_the_last_store_is_where_the_result_goes_and_what_must_be_allowed(run: Run) -> None:
    run(SICILY)
    assert run("COMMAND GETKEYS GEORADIUS Sicily 15 37 200 km STORE a STOREDIST b") == bulk_array([b"Sicily", b"b"])
    assert run("COMMAND GETKEYS GEORADIUSBYMEMBER Sicily Palermo 1 m STORE STORE STORE") == bulk_array(
        [b"Sicily", b"STORE"]
    )
    assert run("COMMAND GETKEYS GEORADIUS Sicily 15 37 200 km STORE") == bulk_array([b"Sicily"])
    run("ACL SETUSER ann on nopass +@all ~Sicily ~mine")
    ann = run.session()
    ann("AUTH ann x")
    assert ann("GEORADIUS Sicily 15 37 200 km STORE mine STORE others").startswith(b"-NOPERM")
    assert ann("GEORADIUS Sicily 15 37 200 km STORE others STORE mine") == b":2\r\n"
