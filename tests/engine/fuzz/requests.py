"""Random requests for a row of the command table: what its usage line allows, then bent.

A request follows the tree of arguments, so that most of them get past the first check; some words are then replaced,
dropped, doubled or exchanged. Keys, members and fields are few, so that commands of all types meet at the same keys.
"""

import random

from cachetwin_engine.core.registry.command_table import Command
from cachetwin_engine.core.registry.usage import BLOCK, KEY, ONE_OF, Argument, parse_usage
from cachetwin_engine.core.text.crc64 import crc64

KEYS = [b"a", b"b", b"c", b"d", b"{t}e", b"{t}f", b"g", b""]
WORDS = [b"x", b"y", b"z", b"field", b"member", b"value", b"10", b"-3", b"2.5", b"", b"\x00\xff\r\n", b"long" * 40]
INTEGERS = [
    b"0", b"1", b"-1", b"2", b"3", b"7", b"10", b"64", b"100", b"1000", b"65536", b"4294967295", b"4294967296",
    b"2147483647",
    b"-2147483648", b"9223372036854775807", b"-9223372036854775808", b"9223372036854775808", b"18446744073709551616",
    b"1e3", b"", b" 1", b"0x10", b"01", b"-0", b"1.5", b"nan", b"99999999999999999999999999",
]  # fmt: skip
SMALL = [b"0", b"1", b"2", b"3", b"-1", b"-2", b"5", b"10"]
DOUBLES = [
    b"0", b"1", b"-1", b"1.5", b"-2.25", b"inf", b"-inf", b"+inf", b"nan", b"1e308", b"-1e308", b"1e-320", b"0.1",
    b"1e400",
    b"179.9", b"-85", b"45.5", b"", b"abc", b"0x1p3", b"3.0e0000000000000000000000001", b"(1", b"[1",
]  # fmt: skip
IDS = [
    b"*", b"0", b"0-0", b"0-1", b"1-1", b"1-*", b"5-3", b"$", b">", b"-", b"+", b"(1-1",
    b"18446744073709551615-18446744073709551615",
    b"18446744073709551616", b"-1-1", b"1-", b"abc",
]  # fmt: skip
PATTERNS = [b"*", b"?", b"[a-c]", b"[^a]*", b"a*b*c*d*e*", b"\\*", b"[", b"[a-", b"{t}*", b"", b"#", b"*->x", b"*" * 30]
BOUNDS = [b"-", b"+", b"[a", b"(z", b"[", b"(", b"-inf", b"+inf", b"(1", b"0", b"5", b"z"]
ENCODINGS = [b"u8", b"i16", b"u63", b"i64", b"u64", b"i0", b"i65", b"x8", b"u", b"i1"]
SCRIPTS = [
    b"return 1", b"return {1,2,{3,'x'},false}", b"return redis.call('get', KEYS[1])", b"return redis.pcall('nosuch')",
    b"return {err='X y'}", b"return cjson.encode(ARGV)", b"return #ARGV",
    b"#!lua flags=no-writes\nreturn redis.call('set','a','1')",
    b"redis.setresp(3) return redis.call('hgetall', 'a')", b"return redis.call('lpush', KEYS[1], unpack(ARGV))",
    b"this is no lua", b"return string.rep('x', 1000)", b"return cmsgpack.pack({1,2,ARGV})", b"return 1e400",
    b"return struct.pack('I4', 7)", b"return redis.sha1hex(ARGV[1] or '')", b"return {map={a=1,b={double=1.5}}}",
]  # fmt: skip
LIBRARIES = [
    b"#!lua name=lib\nredis.register_function('f', function(keys, args) return args end)",
    b"#!lua name=lib2\nredis.register_function{function_name='g', flags={'no-writes'}, callback=function() end}",
    b"#!lua name=bad\nreturn 1", b"no header", b"#!lua\nx",
]  # fmt: skip
BY_NAME = {
    "id": IDS, "start": IDS + INTEGERS + BOUNDS, "stop": INTEGERS + BOUNDS, "end": IDS + INTEGERS,
    "min": BOUNDS + DOUBLES,
    "max": BOUNDS + DOUBLES, "min-idle-time": SMALL, "threshold": SMALL + IDS, "last-id": IDS, "lastid": IDS,
    "max-deleted-id": IDS, "encoding": ENCODINGS, "script": SCRIPTS, "function-code": LIBRARIES, "function": [b"f",
    b"g", b"h"],
    "library-name": [b"lib", b"lib2", b"no"], "group": [b"grp", b"grp2", b""], "consumer": [b"alice", b"bob", b""],
    "groupname": [b"grp"], "username": [b"default", b"nobody"], "protover": [b"2", b"3", b"4"],
    "unit": [b"m", b"km", b"ft", b"mi"], "offset": SMALL + INTEGERS + [b"#1", b"#2"], "bit": [b"0", b"1", b"2"],
    "member": WORDS[:6], "field": WORDS[:6], "element": WORDS[:6], "channel": WORDS[:3], "shardchannel": WORDS[:3],
    "ttl": [b"0", b"1000", b"5"], "timeout": [b"0.01", b"1", b"0", b"-1", b"x", b"1e400"], "index": SMALL + INTEGERS,
    "cursor": SMALL + INTEGERS, "seconds": SMALL + INTEGERS, "milliseconds": SMALL + INTEGERS,
    "count": SMALL + INTEGERS,
    "longitude": DOUBLES, "latitude": DOUBLES, "radius": DOUBLES, "name": [b"n", b"name with space", b"ok"],
    "category": [b"string", b"write", b"nope"], "section": [b"server", b"all", b"nope"], "command-name": [b"get",
    b"client|kill", b"nope"],
    "parameter": [b"maxmemory", b"*", b"nope", b"save"],
}  # fmt: skip
NASTY = [*INTEGERS, *DOUBLES, *WORDS, *IDS, *BOUNDS, b"x" * 3000, b"NX", b"COUNT", b"STORE", b"WITHSCORES", b"LIMIT"]


class Requests:
    """A source of requests; the same ``seed`` gives the same ones."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311  (a fuzzer must be repeatable)
        self.dumps: list[bytes] = []  # payloads of DUMP seen so far, for RESTORE
        self._trees: dict[bytes, list[Argument]] = {}

    def request(self, row: Command) -> list[bytes]:
        """Words for ``row``, its name first."""
        tree = self._trees.get(row.name)
        if tree is None:
            tree = self._trees[row.name] = parse_usage(row.arguments)
        words = [*row.name.split(b"|"), *self._several(tree)]
        if row.name == b"restore" and self.random.random() < 0.9:
            words = [b"RESTORE", self.key(), b"0", self.payload(), b"REPLACE"]
        if self.random.random() < 0.3:
            self._bend(words, len(row.name.split(b"|")))
        while row.arity < 0 and len(words) < -row.arity:
            words.append(self.any_word())
        if row.arity > 0 and self.random.random() < 0.9:
            words = (words + [self.any_word() for _ in range(row.arity)])[: row.arity]
        return words

    def key(self) -> bytes:
        """One of a few keys."""
        return self.random.choice(KEYS)

    def any_word(self) -> bytes:
        """Anything, mostly something that hurts."""
        if self.random.random() < 0.1:
            return self.random.randbytes(self.random.randrange(20))
        return self.random.choice(NASTY)

    def payload(self) -> bytes:
        """A payload of DUMP, mostly broken in a few places and with a checksum that is right again."""
        if not self.dumps:
            return b"\x00\x01a\x0b\x00" + b"\x00" * 8
        payload = bytearray(self.random.choice(self.dumps))
        if self.random.random() < 0.3:
            return bytes(payload)
        for _ in range(self.random.randrange(1, 4)):
            at = self.random.randrange(max(1, len(payload) - 10))
            kind = self.random.randrange(3)
            if kind == 0:
                payload[at] = self.random.randrange(256)
            elif kind == 1:
                del payload[at : at + self.random.randrange(1, 5)]
            else:
                payload[at:at] = self.random.randbytes(self.random.randrange(1, 5))
        body = bytes(payload[:-8])
        return body + crc64(body).to_bytes(8, "little")

    def _several(self, tree: list[Argument]) -> list[bytes]:
        words: list[bytes] = []
        count = 0
        for argument in tree:
            if argument.optional and self.random.random() < 0.6:
                continue
            if (
                argument.name in ("numkeys", "numfields", "count")
                and argument.token is None
                and argument.type == "integer"
            ):
                count = self.random.randrange(1, 4)
                words.append(b"%d" % count if self.random.random() < 0.85 else self.random.choice(INTEGERS))
                continue
            times = 1
            if argument.multiple:
                times = count or self.random.choice((1, 1, 2, 3))
            for time in range(times):
                if argument.token is not None and (time == 0 or argument.repeats_token):
                    words.append(argument.token.encode())
                words += self._one(argument)
        return words

    def _one(self, argument: Argument) -> list[bytes]:
        if argument.type == ONE_OF:
            return self._several([_required(self.random.choice(argument.arguments))])
        if argument.type == BLOCK:
            return self._several(argument.arguments)
        if argument.type == "pure-token":
            return []
        return [self._value(argument)]

    def _value(self, argument: Argument) -> bytes:
        if argument.type == KEY:
            return self.key()
        if argument.name in BY_NAME:
            return self.random.choice(BY_NAME[argument.name])
        if argument.type in ("integer", "unix-time"):
            return self.random.choice(INTEGERS if self.random.random() < 0.4 else SMALL)
        if argument.type == "double":
            return self.random.choice(DOUBLES)
        if argument.type == "pattern":
            return self.random.choice(PATTERNS)
        return self.random.choice(WORDS)

    def _bend(self, words: list[bytes], fixed: int) -> None:
        if len(words) <= fixed:
            return
        at = self.random.randrange(fixed, len(words))
        kind = self.random.randrange(5)
        if kind == 0:
            del words[at]
        elif kind == 1:
            words.insert(at, words[at])
        elif kind == 2:
            other = self.random.randrange(fixed, len(words))
            words[at], words[other] = words[other], words[at]
        else:
            words[at] = self.any_word()


def _required(argument: Argument) -> Argument:
    """A copy of an alternative that is always written: its being optional is a matter of the choice."""
    found = Argument(argument.name)
    found.type, found.token, found.arguments = argument.type, argument.token, argument.arguments
    found.multiple, found.repeats_token = argument.multiple, argument.repeats_token
    return found
