"""Random fields of a hash."""

from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.protocol.errors import OUT_OF_RANGE, CommandError, syntax_error
from cachetwin_engine.core.protocol.replies import EMPTY_ARRAY, array, bulk, bulk_array
from cachetwin_engine.core.registry.command_table import KEY_READ, NONDETERMINISTIC, READONLY, command
from cachetwin_engine.core.text.numbers import INT64_MAX, INT64_MIN, parse_symmetric
from cachetwin_engine.core.types.hashes.hash import HashValue, read_hash


@command(
    "HRANDFIELD",
    summary="Get random fields of a hash.",
    arguments="key [options=(count [WITHVALUES])]",
    arity=-2,
    flags=READONLY,
    keys=KEY_READ,
    group="hash",
    since="6.2.0",
    complexity="O(N) where N is the number of returned fields.",
    tips=NONDETERMINISTIC,
)
def hrandfield(ctx: Context, args: list[bytes]) -> bytes:
    """HRANDFIELD key [count [WITHVALUES]]: distinct fields; with a negative count fields may repeat."""
    if len(args) == 2:
        value = read_hash(ctx.db, args[1])
        field = None if value is None else value.random(ctx.engine.random.below)
        return ctx.null if field is None else bulk(field)
    count = parse_symmetric(args[2])
    with_values = len(args) == 4
    if len(args) > 4 or (with_values and args[3].upper() != b"WITHVALUES"):
        raise syntax_error()
    if with_values and not INT64_MIN // 2 < count <= INT64_MAX // 2:
        raise CommandError(OUT_OF_RANGE)
    value = read_hash(ctx.db, args[1])
    if value is None or count == 0 or (count < 0 and ctx.is_too_much_to_answer(-count)):
        return EMPTY_ARRAY
    fields = _pick_random(ctx, value, count)
    if not with_values:
        return bulk_array(fields)
    flat = value.with_values(fields)
    if not ctx.resp3:
        return bulk_array(flat)
    return array([bulk_array(flat[at : at + 2]) for at in range(0, len(flat), 2)])


def _pick_random(ctx: Context, value: HashValue, count: int) -> list[bytes]:
    """Up to ``count`` distinct fields; if ``count`` is negative, ``-count`` fields that may repeat."""
    random = ctx.engine.random
    if value.volatile or value.packed or count * 3 > value.length():
        fields = value.fields()
        if count < 0:
            return [fields[random.below(len(fields))] for _ in range(-count)] if fields else []
        return fields if count >= len(fields) else random.sample(fields, count)
    drawn: list[bytes] = []
    distinct: dict[bytes, None] = {}
    while len(drawn) < -count or len(distinct) < count:
        field = value.random(random.below)
        if field is None:
            break
        if count < 0:
            drawn.append(field)
        else:
            distinct[field] = None
    return drawn if count < 0 else list(distinct)
