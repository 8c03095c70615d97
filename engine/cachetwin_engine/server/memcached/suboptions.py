"""``-o name=value,...``: memcached's extended options, with the limits and messages of its main function."""

from collections.abc import Callable
from typing import Final

from cachetwin_engine.memcached.settings import Settings
from cachetwin_engine.server.config import OptionError

Apply = Callable[[Settings, str], None]


def _number(name: str, value: str, message: str, low: int, high: int) -> int:
    if not value:
        raise OptionError(f"Missing {name} argument")
    try:
        number = int(value)
    except ValueError:
        number = low - 1
    if not low <= number <= high:
        raise OptionError(message)
    return number


def _integer(name: str, attribute: str, message: str = "", *, low: int = 0, high: int = 2**31, scale: int = 1) -> Apply:
    def apply(settings: Settings, value: str) -> None:
        text = message or f"could not parse argument to {name}"
        setattr(settings, attribute, _number(name, value, text, low, high) * scale)

    return apply


def _switch(attribute: str) -> Apply:
    return lambda settings, _value: setattr(settings, attribute, True)


def _switch_off(attribute: str) -> Apply:
    return lambda settings, _value: setattr(settings, attribute, False)


def _text(name: str, attribute: str) -> Apply:
    def apply(settings: Settings, value: str) -> None:
        if not value:
            raise OptionError(f"Missing {name} argument")
        setattr(settings, attribute, value.encode())

    return apply


def _factor(name: str, attribute: str, most: float = 1e9) -> Apply:
    def apply(settings: Settings, value: str) -> None:
        if not value:
            raise OptionError(f"Missing {name} argument")
        try:
            factor = float(value)
        except ValueError:
            factor = 0.0
        if not 0 < factor <= most:
            raise OptionError(f"{name} must be > 0" + (f" and < {most:.0f}" if most < 2 else ""))
        setattr(settings, attribute, factor)

    return apply


def _automove(settings: Settings, value: str) -> None:
    settings.slab_automove = (
        _number("slab_automove", value, "slab_automove must be between 0 and 2", 0, 2) if value else 1
    )


def _hash(settings: Settings, value: str) -> None:
    if value not in {"jenkins", "murmur3", "xxh3"}:
        raise OptionError("Unknown hash_algorithm option (jenkins, murmur3, xxh3)")
    settings.hash_algorithm = value.encode()


def _temporary_ttl(settings: Settings, value: str) -> None:
    settings.temporary_ttl = _number("temporary_ttl", value, "could not parse argument to temporary_ttl", 0, 2**31)
    settings.temp_lru = True


def _no_maintainer(settings: Settings, _value: str) -> None:
    settings.lru_maintainer = False
    settings.lru_segmented = False


def _maintainer(settings: Settings, _value: str) -> None:
    settings.lru_maintainer = True
    settings.lru_segmented = True


def _slab_sizes(settings: Settings, value: str) -> None:
    sizes: list[int] = []
    for word in value.split("-"):
        size = int(word) if word.isdigit() else 0
        if not 1 < size <= settings.chunk_size_max or (sizes and size <= sizes[-1] + 8):
            raise OptionError(
                f"slab size {word!r} must be larger than the one before by more than 8 bytes, and in range"
            )
        sizes.append(size)
    settings.slab_sizes = sizes


def _slab_chunk_max(settings: Settings, value: str) -> None:
    message = "could not parse argument to slab_chunk_max"
    scale = 1024 if settings.is_1_6_45 else 1  # in kilobytes there
    settings.chunk_size_max = _number("slab_chunk_max", value, message, 1, 2**31) * scale
    settings.chunk_size_given = True


def _no_modern(settings: Settings, _value: str) -> None:
    """The defaults of memcached 1.4."""
    if not settings.chunk_size_given:
        settings.chunk_size_max = settings.page_size
    settings.slab_reassign = False
    settings.slab_automove = 0
    settings.closes_surplus_connections = False
    settings.hash_algorithm = b"jenkins"
    settings.lru_crawler = False
    _no_maintainer(settings, "")


def _nothing(_settings: Settings, _value: str) -> None:
    """Accepted for memcached's sake: there is nothing here that it could change."""


SUBOPTIONS: Final[dict[str, Apply]] = {
    "maxconns_fast": _switch("closes_surplus_connections"),
    "no_maxconns_fast": _switch_off("closes_surplus_connections"),
    "hashpower": _integer(
        "hashpower", "hash_power", "Initial hashtable multiplier must be between 12 and 32", low=12, high=32
    ),
    "no_hashexpand": _nothing,
    "slab_reassign": _switch("slab_reassign"),
    "no_slab_reassign": _switch_off("slab_reassign"),
    "slab_automove": _automove,
    "no_slab_automove": lambda settings, _value: setattr(settings, "slab_automove", 0),
    "slab_automove_ratio": _factor("slab_automove_ratio", "slab_automove_ratio", 1.0),
    "slab_automove_window": _integer(
        "slab_automove_window", "slab_automove_window", "slab_automove_window must be > 2", low=3
    ),
    "tail_repair_time": _integer(
        "tail_repair_time", "tail_repair_time", "Cannot set tail_repair_time to less than 10 seconds", low=10
    ),
    "hash_algorithm": _hash,
    "lru_crawler": _switch("lru_crawler"),
    "no_lru_crawler": _switch_off("lru_crawler"),
    "lru_crawler_sleep": _integer(
        "lru_crawler_sleep", "lru_crawler_sleep", "LRU crawler sleep must be between 0 and 1 second", high=1_000_000
    ),
    "lru_crawler_tocrawl": _integer(
        "lru_crawler_tocrawl", "lru_crawler_tocrawl", "lru_crawler_tocrawl takes a numeric 32bit value", high=2**32 - 1
    ),
    "lru_maintainer": _maintainer,
    "no_lru_maintainer": _no_maintainer,
    "hot_lru_pct": _integer("hot_lru_pct", "hot_lru_pct", "hot_lru_pct must be > 1 and < 80", low=1, high=79),
    "warm_lru_pct": _integer("warm_lru_pct", "warm_lru_pct", "warm_lru_pct must be > 1 and < 80", low=1, high=79),
    "hot_max_factor": _factor("hot_max_factor", "hot_max_factor"),
    "warm_max_factor": _factor("warm_max_factor", "warm_max_factor"),
    "temporary_ttl": _temporary_ttl,
    "idle_timeout": _integer("idle_timeout", "idle_timeout"),
    "watcher_logbuf_size": _integer("watcher_logbuf_size", "watcher_buffer_bytes", scale=1024),
    "worker_logbuf_size": _integer("worker_logbuf_size", "worker_buffer_bytes", scale=1024),
    "read_buf_mem_limit": _integer("read_buf_mem_limit", "read_buffer_limit", scale=1024 * 1024),
    "slab_sizes": _slab_sizes,
    "slab_chunk_max": _slab_chunk_max,
    "track_sizes": _switch("track_sizes"),
    "modern": _nothing,
    "no_modern": _no_modern,
    "no_chunked_items": lambda settings, _value: setattr(settings, "chunk_size_max", settings.page_size),
    "inline_ascii_resp": _nothing,
    "no_inline_ascii_resp": _nothing,
    "drop_privileges": _nothing,
    "no_drop_privileges": _nothing,
    "relaxed_privileges": _nothing,
    "resp_obj_mem_limit": _nothing,
    "ssl_chain_cert": _text("ssl_chain_cert", "ssl_chain_cert"),
    "ssl_key": _text("ssl_key", "ssl_key"),
    "ssl_keyformat": _nothing,
    "ssl_verify_mode": _integer(
        "ssl_verify_mode", "ssl_verify_mode", "Invalid ssl_verify_mode. Use help to see valid options.", high=3
    ),
    "ssl_ciphers": _text("ssl_ciphers", "ssl_ciphers"),
    "ssl_ca_cert": _text("ssl_ca_cert", "ssl_ca_cert"),
    "ssl_wbuf_size": _nothing,
    "ssl_session_cache": _nothing,
    "ssl_kernel_tls": _nothing,
    "ssl_min_version": _integer(
        "ssl_min_version", "ssl_min_version", "Invalid ssl_min_version. Use help to see valid options.", high=3
    ),
}


def apply_suboptions(settings: Settings, text: str) -> None:
    """Set what ``-o text`` asks for. Raises OptionError."""
    for part in text.split(","):
        name, _, value = part.partition("=")
        apply = SUBOPTIONS.get(name)
        if apply is None:
            raise OptionError(f'Illegal suboption "{part}"')
        apply(settings, value)
