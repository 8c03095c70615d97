"""Loading the append-only file: whole, cut off, damaged, and of older versions."""

import pytest
from tests.engine.aof import logged
from tests.engine.aof.logged import begin
from tests.engine.in_process import encode

from cachetwin_engine.core.aof.log_loader import LogError
from cachetwin_engine.core.state.log_files import LogFiles

INCREMENT = b"appendonly.aof.1.incr.aof"
MANIFEST = b"file appendonly.aof.1.incr.aof seq 1 type i\n"


class Files(LogFiles):
    """Files as a test wants them."""

    def __init__(self, manifest: bytes = MANIFEST, **files: bytes) -> None:
        super().__init__()
        self.outside: dict[bytes, bytes] = {}
        if manifest:
            self.replace(b"appendonly.aof.manifest", manifest)
        for name, data in files.items():
            self.replace(b"appendonly.aof." + name.encode().replace(b"_", b"."), data)

    def is_outside(self, name: bytes) -> bool:
        return name in self.outside

    def import_file(self, name: bytes) -> str:
        return self.replace(name, self.outside.pop(name))


def log_of(*lines: str) -> bytes:
    return b"".join(encode(tuple(line.split())) for line in lines)


def test_a_new_log_begins_with_a_base_and_a_file() -> None:
    run = begin()
    assert run.engine.log.manifest.text() == (
        b"file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n"
    )
    assert b"aof_enabled:1\r\n" in run("INFO persistence")


def test_commands_run_in_their_order_and_databases() -> None:
    run = begin(
        Files(**{"1_incr_aof": log_of("SET a 1", "INCR a", "SELECT 2", "RPUSH l x y", "MULTI", "DEL l", "EXEC")})
    )
    assert run("GET a") == b"$1\r\n2\r\n"
    run("SELECT 2")
    assert run("EXISTS l") == b":0\r\n"
    run("SET b 1")
    assert logged.again(run)("SELECT 2") == b"+OK\r\n"


def test_what_expired_meanwhile_expires_after_the_load_only() -> None:
    run = begin(Files(**{"1_incr_aof": log_of("SET k 1 PXAT 5", "INCR k", "PERSIST k", "SET gone 1 PXAT 5")}))
    assert run("GET k") == b"$1\r\n2\r\n"
    assert run("EXISTS gone") == b":0\r\n"


@pytest.mark.parametrize("cut", [1, 5, 12, 20])
def test_a_command_that_is_not_whole_is_cut_off(cut: int) -> None:
    whole = log_of("SET a 1", "SET b 2")
    files = Files(**{"1_incr_aof": (whole + log_of("SET c 3"))[:-cut]})
    run = begin(files)
    assert run("MGET a b c") == b"*3\r\n$1\r\n1\r\n$1\r\n2\r\n$-1\r\n"
    assert files.read(INCREMENT, 0, -1) == whole
    run("SET d 4")
    assert logged.again(run)("EXISTS a b c d") == b":3\r\n"


def test_a_transaction_that_is_not_whole_is_cut_off() -> None:
    whole = log_of("SET a 1")
    files = Files(**{"1_incr_aof": whole + log_of("MULTI", "SET b 1", "INCR a")})
    run = begin(files)
    assert run("MGET a b") == b"*2\r\n$1\r\n1\r\n$-1\r\n"
    assert files.read(INCREMENT, 0, -1) == whole


def test_nothing_is_cut_off_if_that_is_not_wanted() -> None:
    data = log_of("SET a 1", "SET b 2")[:-3]
    files = Files(**{"1_incr_aof": data})
    with pytest.raises(
        LogError, match=r"Unexpected end of file reading the append only file appendonly\.aof\.1\.incr\.aof"
    ):
        begin(files, aof_load_truncated="no")
    assert files.read(INCREMENT, 0, -1) == data


def test_only_the_last_file_may_be_cut_off() -> None:
    manifest = MANIFEST + b"file appendonly.aof.2.incr.aof seq 2 type i\n"
    data = log_of("SET a 1", "SET b 2")[:-3]
    files = Files(manifest, **{"1_incr_aof": data, "2_incr_aof": log_of("SET c 1")})
    with pytest.raises(LogError, match="the truncated file is not the last file"):
        begin(files)
    assert files.read(INCREMENT, 0, -1) == data


@pytest.mark.parametrize(
    "data",
    [
        b"!!!",
        b"*x\r\n",
        b"*0\r\n",
        b"*-1\r\n",
        b"*1\r\n+3\r\nfoo\r\n",
        b"*1\r\n$-3\r\nfoo\r\n",
        b"*" + b"1" * 2000,
        log_of("NOSUCHCOMMAND 1"),
        log_of("CLUSTER NOSUCH"),
        log_of("SET k"),
        b"REDIS0011",
        b"REDIS9999\xff" + bytes(8),
    ],
)
def test_other_damage_keeps_the_engine_from_starting(data: bytes) -> None:
    files = Files(**{"1_incr_aof": data})
    with pytest.raises(LogError, match=r"Bad file format|Error reading the RDB base file"):
        begin(files)
    assert files.read(INCREMENT, 0, -1) == data


def test_a_file_that_is_missing_keeps_the_engine_from_starting() -> None:
    with pytest.raises(LogError, match=r"appendonly\.aof\.1\.incr\.aof doesn't exist"):
        begin(Files())


def test_a_manifest_that_is_damaged_keeps_the_engine_from_starting() -> None:
    with pytest.raises(LogError, match="Unknown AOF file type"):
        begin(Files(b"file x seq 1 type z\n"))


def test_annotations_and_empty_files_are_nothing() -> None:
    manifest = MANIFEST + b"file appendonly.aof.2.incr.aof seq 2 type i\n"
    data = b"#TS:1700000000\r\n" + log_of("SET a 1") + b"# more\r\n"
    run = begin(Files(manifest, **{"1_incr_aof": data, "2_incr_aof": b""}))
    assert run("GET a") == b"$1\r\n1\r\n"


def test_a_file_of_an_old_version_becomes_the_base() -> None:
    old = begin()
    old("SET in-rdb 1")
    logged.rewrite(old)
    files = Files(b"")
    files.outside[b"appendonly.aof"] = logged.written(old, b"appendonly.aof.2.base.rdb") + log_of("SET behind 1")
    run = begin(files)
    assert run("EXISTS in-rdb behind") == b":2\r\n"
    assert not files.outside
    assert run.engine.log.manifest.text() == (
        b"file appendonly.aof seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n"
    )
    logged.rewrite(run)
    assert files.size(b"appendonly.aof") == -1


def test_a_base_with_a_flipped_byte_is_found_by_its_checksum() -> None:
    old = begin()
    old.args("SET", "k", "v" * 10)
    logged.rewrite(old)
    files = old.engine.host.log_files
    base = bytearray(files.read(b"appendonly.aof.2.base.rdb", 0, -1))
    base[base.index(b"vvvv")] ^= 1
    files.replace(b"appendonly.aof.2.base.rdb", bytes(base))
    with pytest.raises(LogError, match=r"Error reading the RDB base file appendonly\.aof\.2\.base\.rdb"):
        logged.again(old)


def test_commands_longer_than_a_piece_are_put_together() -> None:
    long = b"x" * 3_000_000
    data = encode(("SET", "a", long)) + encode(("SET", "b", long)) + encode(("SET", "c", 1))
    run = begin(Files(**{"1_incr_aof": data}))
    assert run("STRLEN a") == run("STRLEN b") == b":3000000\r\n"
    assert run("GET c") == b"$1\r\n1\r\n"


def test_a_load_is_not_counted_as_changes_to_save() -> None:
    run = begin(Files(**{"1_incr_aof": log_of("SET a 1", "SET b 1")}))
    run.engine.config.set_at_start("enable-debug-command", "yes")
    before = logged.written(run)
    assert run("DEBUG LOADAOF") == b"+OK\r\n"
    assert logged.written(run) == before  # it is no change itself
    assert b"rdb_changes_since_last_save:0\r\n" in run("INFO persistence")
    assert run("DBSIZE") == b":2\r\n"
