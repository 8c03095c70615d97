"""A load balancer's own process with listeners that need no target: HTTPS, redirects, fixed responses, rules."""

import asyncio
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest

from cachetwin_local.supervise.load_balancer.load_balancer import LoadBalancerActor
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.topology.values import (
    Endpoint,
    FixedResponse,
    Forward,
    Identity,
    Listener,
    ListenerRule,
    LoadBalancer,
    Redirect,
    TargetGroup,
    TargetHealthCheck,
    Topology,
    WeightedTarget,
)

HTTP, HTTPS = 8080, 8443


@pytest.fixture
def balancer(address: str, identity: Callable[..., Identity]) -> LoadBalancer:
    """HTTP redirects to HTTPS, which answers by itself.

    `/none` is forwarded to a group without targets, `/function` to one that does not run here.
    """
    empty, absent = (Forward((WeightedTarget(name),)) for name in ("Shop/Empty", "Shop/Function"))
    listeners = (
        Listener(identity("Http"), "HTTP", Endpoint(address, HTTP, 80), Redirect(301, protocol="HTTPS", port="443")),
        Listener(
            identity("Https"),
            "HTTPS",
            Endpoint(address, HTTPS, 443, "required", ("shop.us-east-1.elb.amazonaws.com",)),
            FixedResponse(418, "text/plain", "short and stout"),
            (
                ListenerRule(1, (("path-pattern", ("/none",)),), empty),
                ListenerRule(2, (("path-pattern", ("/function",)),), absent),
            ),
        ),
    )
    return LoadBalancer(identity("Front"), "internal", f"{address}:{HTTP}", listeners, ())


@pytest.fixture
def topology(balancer: LoadBalancer, identity: Callable[..., Identity]) -> Topology:
    check = TargetHealthCheck("HTTP", "/", None, "200", 5, 2, 2, 2)
    group = TargetGroup(identity("Empty"), "HTTP", 80, (), check)
    return Topology(
        project="shop",
        region="us-east-1",
        account="000000000000",
        loopback="per-endpoint",
        stacks=("Shop",),
        load_balancers=(balancer,),
        target_groups=(group,),
    )


@contextmanager
def client(run_context: RunContext) -> Iterator[httpx.Client]:
    context = ssl.create_default_context(cafile=str(run_context.local_ca.certificate_file))
    with httpx.Client(verify=context, timeout=20) as found:
        yield found


def test_https_redirects_and_fixed_responses(
    run_context: RunContext, balancer: LoadBalancer, topology: Topology, address: str
) -> None:
    def ask() -> None:
        with client(run_context) as http:
            moved = http.get(f"http://{address}:{HTTP}/a?b=c")
            assert (moved.status_code, moved.headers["location"]) == (301, f"https://{address}:{HTTPS}/a?b=c")
            answer = http.get(f"https://{address}:{HTTPS}/a")
            assert (answer.status_code, answer.text) == (418, "short and stout")
            assert (answer.headers["content-type"], answer.headers["server"]) == ("text/plain", "awselb/2.0")
            head = http.head(f"https://{address}:{HTTPS}/a")
            assert (head.status_code, head.text, head.headers["content-length"]) == (418, "", "15")
            assert http.get(f"https://{address}:{HTTPS}/none").status_code == 503
            assert http.get(f"https://{address}:{HTTPS}/function").status_code == 503

    async def main() -> None:
        actor = LoadBalancerActor(run_context, balancer, topology)
        try:
            actor.open()
            await actor.prepare()
            await actor.start()
            assert actor.detail == "0 of 0 targets healthy"
            await asyncio.to_thread(ask)
        finally:
            await actor.stop()
        assert not run_context.children
        assert run_context.metrics.all()[actor.name]["RequestCount"] == 5

    asyncio.run(main())


def test_a_load_balancer_that_is_stopped_before_its_start_leaves_nothing(
    run_context: RunContext, balancer: LoadBalancer, topology: Topology, address: str
) -> None:
    async def main() -> None:
        actor = LoadBalancerActor(run_context, balancer, topology)
        actor.open()
        await actor.prepare()
        await actor.stop()
        assert not run_context.children
        with pytest.raises(OSError, match=r"refused|Connect call failed"):
            await asyncio.open_connection(address, HTTP)

    asyncio.run(main())
