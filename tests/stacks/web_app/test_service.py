"""The service over HTTP, with a real database and a real cache."""

import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from tests.processes import wait_until
from tests.stacks.web_app.conftest import CACHE_PASSWORD, PRODUCT, SERVICE, CacheServer, Postgres, Service

Start = Callable[..., Service]


def read(service: Service, path: str) -> dict[str, Any]:
    response = service.client.get(path)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    assert response.headers["x-cache"] == body["cache"]
    assert response.headers["x-source"] == body["source"]
    assert f"total;dur={body['latency_ms']:.3f}" in response.headers["server-timing"]
    return body


def stats(service: Service) -> dict[str, Any]:
    answer: dict[str, Any] = service.client.get("/api/stats").json()
    return answer


def status_of(service: Service, dependency: str) -> str:
    return str(stats(service)[dependency]["status"])


def test_the_first_read_is_a_miss_and_the_second_a_faster_hit(service: Service) -> None:
    misses, hits = [], []
    for product in (7, 8, 9):
        first, second = (read(service, f"/api/products/{product}") for _ in range(2))
        assert (first["source"], first["cache"]) == ("database", "miss")
        assert (second["source"], second["cache"]) == ("cache", "hit")
        assert first["data"] == second["data"]
        misses.append(first["latency_ms"])
        hits.append(second["latency_ms"])
    assert min(hits) < min(misses)  # other work on the machine only adds to both
    assert stats(service)["hit_rate"] == 0.5


def test_a_detail_carries_the_statistics_of_its_reviews(service: Service, postgres: Postgres, database: str) -> None:
    product = read(service, "/api/products/7")["data"]
    with postgres.connect(database) as connection:
        row = connection.execute("SELECT count(*), round(avg(rating), 2) FROM reviews WHERE product_id = 7").fetchone()
    assert row == (product["review_count"], pytest.approx(product["rating"]))
    assert sum(product["ratings"]) == product["review_count"] == 250
    assert 1 <= product["category_rank"] <= product["category_count"] == 40


@pytest.mark.parametrize(
    "path", ["/api/products", "/api/products?category=Desk&sort=-price&page=2", "/api/search?q=oak"]
)
def test_lists_and_searches_are_cached_too(service: Service, path: str) -> None:
    assert [read(service, path)["source"] for _ in range(2)] == ["database", "cache"]


def test_equal_searches_share_one_entry(service: Service) -> None:
    read(service, "/api/search?q=oak%20kettle")
    assert read(service, "/api/search?q=%20OAK%20%20Kettle")["cache"] == "hit"


def test_a_changed_price_is_seen_at_once_in_the_detail_and_in_the_lists(service: Service) -> None:
    for path in ("/api/products/7", "/api/search?q=bamboo+kettle"):
        assert [read(service, path)["source"] for _ in range(2)] == ["database", "cache"]
    changed = service.client.patch("/api/products/7", json={"price_cents": 4321})
    assert (changed.status_code, changed.json()["data"]["version"]) == (200, 2)
    detail, found = read(service, "/api/products/7"), read(service, "/api/search?q=bamboo+kettle")
    assert (detail["source"], detail["data"]["price_cents"]) == ("database", 4321)
    assert (found["source"], found["data"]["products"][0]["price_cents"]) == ("database", 4321)
    assert read(service, "/api/products/7")["data"]["price_cents"] == 4321


def test_a_product_is_created_replaced_and_deleted(service: Service) -> None:
    sibling = "/api/products/41"  # of the same category
    count = read(service, sibling)["data"]["category_count"]
    created = service.client.post("/api/products", json=PRODUCT)
    path = created.headers["location"]
    assert created.status_code == 201
    assert read(service, path)["data"]["name"] == "Test Lamp"
    assert read(service, path)["data"]["rating"] is None
    assert read(service, sibling)["data"]["category_count"] == count + 1
    assert service.client.put(path, json={**PRODUCT, "name": "Better Lamp", "category": "Desk"}).status_code == 200
    assert read(service, path)["data"]["name"] == "Better Lamp"
    assert read(service, sibling)["data"]["category_count"] == count
    assert service.client.delete(path).status_code == 200
    assert service.client.get(path).status_code == 404
    assert service.client.delete(path).status_code == 404


def test_a_product_that_is_not_there_is_remembered_until_it_comes(service: Service) -> None:
    answers = [service.client.get("/api/products/481") for _ in range(2)]
    assert [(answer.status_code, answer.json()["source"]) for answer in answers] == [(404, "database"), (404, "cache")]
    assert service.client.post("/api/products", json=PRODUCT).json()["data"]["id"] == 481
    assert read(service, "/api/products/481")["source"] == "database"


def test_entries_expire_within_a_tenth_around_the_ttl(service: Service, cache: CacheServer) -> None:
    for product_id in range(1, 21):
        read(service, f"/api/products/{product_id}")
    left_ms = [int(cache.run("PTTL", f"catalogue:1:product:{product_id}")) for product_id in range(1, 21)]
    assert all(49_000 < value <= 66_000 for value in left_ms)  # 54,000 to 66,000, less the time this test took
    assert max(left_ms) - min(left_ms) > 1_000


def test_every_key_has_the_prefix_and_an_end(service: Service, cache: CacheServer) -> None:
    for path in ("/api/products/1", "/api/products", "/api/search?q=oak"):
        read(service, path)
    keys = cache.run("KEYS", "*").split()
    assert len(keys) == 4
    assert all(key.startswith("catalogue:") and int(cache.run("PTTL", key)) > 0 for key in keys)


def test_many_misses_of_one_key_make_one_query_across_processes(start_service: Start) -> None:
    services = [start_service(), start_service()]
    for service in services:
        service.wait_ready()
    with ThreadPoolExecutor(24) as pool:
        bodies = list(pool.map(lambda n: read(services[n % 2], "/api/products"), range(48)))
    assert sum(stats(service)["database_queries"] for service in services) == 1
    assert len({str(body["data"]) for body in bodies}) == 1


def test_a_write_in_one_process_is_seen_by_the_other(start_service: Start) -> None:
    one, other = start_service(), start_service()
    for service in (one, other):
        service.wait_ready()
        read(service, "/api/products/9")
    assert one.client.patch("/api/products/9", json={"stock": 77}).status_code == 200
    assert read(other, "/api/products/9")["data"]["stock"] == 77


def test_the_database_answers_while_the_cache_is_away_and_the_cache_again_when_it_is_back(
    service: Service, cache: CacheServer
) -> None:
    read(service, "/api/products/7")
    cache.stop()
    read(service, "/api/products/7")
    wait_until(
        lambda: read(service, "/api/products/7")["cache"] == "bypass" and status_of(service, "cache") == "down", "down"
    )
    assert read(service, "/api/products/7")["source"] == "database"
    assert read(service, "/api/products")["cache"] == "bypass"
    assert service.client.get("/readyz").status_code == 200
    cache.start()
    wait_until(lambda: read(service, "/api/products/7")["cache"] == "hit", "a hit after the cache came back")


def test_a_cache_that_hangs_costs_a_bounded_time_and_then_none(service: Service, cache: CacheServer) -> None:
    assert cache.process is not None
    read(service, "/api/products/7")
    stopped = subprocess.run(["kill", "-STOP", str(cache.process.pid)], check=True)
    assert stopped.returncode == 0
    try:
        waited_ms = [read(service, "/api/products/7")["latency_ms"] for _ in range(6)]
        assert max(waited_ms) < 3_000
        assert status_of(service, "cache") == "down"
        overhead_ms = [
            body["latency_ms"] - body["database_ms"] for body in (read(service, "/api/products/7") for _ in range(10))
        ]
        assert sorted(overhead_ms)[5] < 25
    finally:
        subprocess.run(["kill", "-CONT", str(cache.process.pid)], check=True)
    wait_until(lambda: read(service, "/api/products/7")["cache"] == "hit", "a hit after the cache went on")


def test_a_write_during_an_outage_of_the_cache_is_not_undone_by_an_old_entry(
    service: Service, cache: CacheServer
) -> None:
    read(service, "/api/products/7")
    assert cache.process is not None
    subprocess.run(["kill", "-STOP", str(cache.process.pid)], check=True)  # keeps its data, unlike a restart
    try:
        assert service.client.patch("/api/products/7", json={"stock": 99}).status_code == 200
        assert read(service, "/api/products/7")["data"]["stock"] == 99
    finally:
        subprocess.run(["kill", "-CONT", str(cache.process.pid)], check=True)
    wait_until(lambda: read(service, "/api/products/7")["cache"] == "hit", "a hit after the cache went on")
    assert read(service, "/api/products/7")["data"]["stock"] == 99


def test_the_service_works_with_a_cache_that_refuses_its_password(start_service: Start) -> None:
    service = start_service(CACHE_PASSWORD="not-the-password-0123")
    service.wait_ready()
    assert read(service, "/api/products/7")["cache"] == "bypass"
    assert "not-the-password" not in service.log()


def test_a_dead_reader_leaves_reads_to_the_primary(start_service: Start) -> None:
    service = start_service(CACHE_READER_PORT="1")
    service.wait_ready()
    assert [read(service, "/api/products/7")["source"] for _ in range(2)] == ["database", "cache"]


def test_without_the_database_the_cache_still_answers_and_the_rest_is_a_clear_503(
    service: Service, postgres: Postgres
) -> None:
    read(service, "/api/products/7")
    postgres.stop()
    try:
        refused = service.client.get("/api/products/8")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert refused.json()["error"]["code"] == "database_unavailable"
        assert read(service, "/api/products/7")["source"] == "cache"
        assert service.client.patch("/api/products/7", json={"stock": 1}).status_code == 503
        assert service.client.get("/healthz").status_code == 200
        wait_until(lambda: service.answers("/readyz", 503), "not ready without the database")
        assert min(service.client.get("/api/products/8").elapsed.total_seconds() for _ in range(5)) < 1
    finally:
        postgres.start()
    service.wait_ready()
    assert read(service, "/api/products/8")["source"] == "database"


def test_a_database_that_hangs_costs_a_bounded_time_and_then_none(service: Service, postgres: Postgres) -> None:
    read(service, "/api/products/7")
    postgres.signal(signal.SIGSTOP)
    try:
        assert service.client.get("/api/products/8").status_code == 503
        wait_until(lambda: service.answers("/readyz", 503), "not ready while the database hangs")
        answers = [service.client.get("/api/products/9") for _ in range(5)]
        for refused in answers:
            assert (refused.status_code, refused.json()["error"]["code"]) == (503, "database_unavailable")
            assert "database=down" in refused.headers["x-dependencies"]
        assert min(refused.elapsed.total_seconds() for refused in answers) < 2
        assert read(service, "/api/products/7")["source"] == "cache"
    finally:
        postgres.signal(signal.SIGCONT)
    service.wait_ready()
    assert read(service, "/api/products/8")["source"] == "database"


def test_a_write_that_cannot_reach_the_cache_is_seen_by_the_other_process_when_the_cache_is_back(
    start_service: Start, cache: CacheServer
) -> None:
    one, other = start_service(), start_service()
    for service in (one, other):
        service.wait_ready()
        read(service, "/api/products/9")
        read(service, "/api/products?category=Kitchen")
    assert cache.process is not None
    cache.process.send_signal(signal.SIGSTOP)  # it keeps its data, unlike a restart
    try:
        assert one.client.patch("/api/products/9", json={"stock": 77}).status_code == 200
    finally:
        cache.process.send_signal(signal.SIGCONT)
    assert read(other, "/api/products/9")["data"]["stock"] == 77
    listed = read(other, "/api/products?category=Kitchen")["data"]["products"]
    assert [product["stock"] for product in listed if product["id"] == 9] in ([], [77])
    wait_until(lambda: read(other, "/api/products/9")["cache"] == "hit", "a hit after the cache went on")
    assert read(other, "/api/products/9")["data"]["stock"] == 77


def test_it_starts_before_its_database_and_is_ready_after(start_service: Start, postgres: Postgres) -> None:
    empty = postgres.new_database()
    postgres.stop()
    try:
        service = start_service(DB_NAME=empty)
        wait_until(lambda: service.answers("/healthz"), "alive")
        assert service.client.get("/api/products").status_code == 503
    finally:
        postgres.start()
    service.wait_ready()
    assert read(service, "/api/products")["data"]["total"] == 480


def test_processes_that_start_together_make_the_sample_data_once(start_service: Start, postgres: Postgres) -> None:
    empty = postgres.new_database()
    services = [start_service(DB_NAME=empty) for _ in range(3)]
    for service in services:
        service.wait_ready()
    with postgres.connect(empty) as connection:
        query = "SELECT (SELECT count(*) FROM products), (SELECT count(*) FROM reviews)"
        assert connection.execute(query).fetchone() == (480, 120_000)
    assert sum("made the catalogue's tables" in service.log() for service in services) == 1


def test_sigterm_ends_it_cleanly_and_the_log_holds_no_secret(start_service: Start) -> None:
    service = start_service()
    service.wait_ready()
    read(service, "/api/products/7")
    assert service.stop() == 0
    assert CACHE_PASSWORD not in service.log()
    assert service.environment["DB_PASSWORD"] not in service.log()
    assert "Traceback" not in service.log()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CACHE_HOST", None),
        ("CACHE_PORT", "70000"),
        ("CACHE_TLS", "yes"),
        ("CACHE_PASSWORD", ""),
        ("CACHE_TTL_SECONDS", "0"),
        ("DB_SSLMODE", "maybe"),
        ("PGSSLROOTCERT", "/nowhere/ca.pem"),
        ("PORT", "http"),
    ],
)
def test_a_wrong_environment_is_one_line_that_names_the_variable(
    name: str, value: str | None, environment: dict[str, str]
) -> None:
    variables = {**environment, "DB_SSLMODE": "verify-full", "PGSSLROOTCERT": "system"}
    variables.pop(name)
    if value is not None:
        variables[name] = value
    command = [sys.executable, "-m", "catalogue"]
    ended = subprocess.run(command, cwd=SERVICE, env=variables, capture_output=True, text=True, timeout=20, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"catalogue: {name} ")
    assert ended.stderr.count("\n") == 1


def test_a_client_that_leaves_does_not_take_the_answer_from_the_others(service: Service) -> None:
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(service.url + "/api/products", timeout=httpx.Timeout(5, read=0.001))
    assert read(service, "/api/products")["data"]["total"] == 480
