"""The service while its cache and its database are stopped, killed and started again, in short.

``python -m benchmarks.faults.web_app_chaos --minutes 10`` is the long form, with the runner.
"""

import asyncio
import os
import random
import signal
from collections.abc import Awaitable, Callable

from benchmarks.faults.web_app_chaos import RECOVERY_S_MAX, Fault, inflict
from benchmarks.web_app_traffic import Clients
from tests.stacks.web_app.conftest import CacheServer, Postgres, Service

SECONDS = float(os.environ.get("CACHETWIN_CHAOS_SECONDS", "12"))
SEED = int(os.environ.get("CACHETWIN_CHAOS_SEED", "1"))
HANG_S = (0.3, 3.0)


def faults_of(cache: CacheServer, postgres: Postgres) -> list[Fault]:
    def signal_cache(number: signal.Signals) -> None:
        assert cache.process is not None
        cache.process.send_signal(number)

    def hang(send: Callable[[signal.Signals], None]) -> Callable[[random.Random], Awaitable[None]]:
        async def inflict_it(choice: random.Random) -> None:
            send(signal.SIGSTOP)
            await asyncio.sleep(choice.uniform(*HANG_S))
            send(signal.SIGCONT)

        return inflict_it

    def restart(store: CacheServer | Postgres) -> Callable[[random.Random], Awaitable[None]]:
        async def inflict_it(choice: random.Random) -> None:
            await asyncio.to_thread(store.stop)
            await asyncio.sleep(choice.uniform(0, 2))
            await asyncio.to_thread(store.start)

        return inflict_it

    return [
        Fault("SIGSTOP of the cache", hang(signal_cache)),
        Fault("SIGKILL of the cache", restart(cache)),
        Fault("SIGSTOP of the database", hang(postgres.signal)),
        Fault("the database is stopped", restart(postgres)),
    ]


def test_after_each_fault_the_hit_rate_is_back_and_no_write_is_lost_or_read_late(
    start_service: Callable[..., Service], cache: CacheServer, postgres: Postgres
) -> None:
    services = [start_service(), start_service()]
    for service in services:
        service.wait_ready()

    async def scenario() -> None:
        clients = Clients([service.url for service in services], SEED)
        async with clients.asking() as witness:
            recoveries = await inflict(faults_of(cache, postgres), witness, SECONDS, SEED, print)
        assert recoveries
        assert [one for one in recoveries if one.recovery_s >= RECOVERY_S_MAX] == []
        assert witness.write_count > 3
        assert witness.stale == []
        assert await clients.lost_writes() == []

    asyncio.run(scenario())
