"""Engine, api, worker and db as processes of their own: what shows only there."""

import signal
from concurrent.futures import ThreadPoolExecutor

import httpx

from .topology import WORKERS, Topology


def test_the_api_is_alive(topology: Topology) -> None:
    assert topology.get("/livez").json() == {"status": "alive"}
    assert topology.get("/readyz").json() == {"status": "ready"}
    process = 'service_process_info{group="api",namespace="shop"} 1.0'
    assert process in topology.get("/metrics").text


def test_a_worker_is_unready_while_its_engine_is_away(topology: Topology) -> None:
    def health(status: int) -> list[httpx.Response]:
        with ThreadPoolExecutor() as pool:
            return list(pool.map(lambda name: topology.until_health(name, status), WORKERS))

    assert [response.json() for response in health(200)] == [{"status": "ready"}] * 2
    for url in topology.health.values():
        assert 'engine_up{part="requests"} 1.0' in httpx.get(f"{url}/metrics").text
    topology.stop("engine", signal.SIGKILL)
    assert [response.json()["detail"] for response in health(503)] == ["the engine does not answer"] * 2
    assert [httpx.get(f"{url}/livez").status_code for url in topology.health.values()] == [200, 200]
    topology.start("engine")
    health(200)
    topology.until_ready()


def test_a_worker_that_starts_removes_the_schedules_that_have_left_its_list(topology: Topology) -> None:
    gone, foreign = "shop/no-longer-there", "shop-2/nightly"
    never = {"cron": "0 0 1 1 *", "promiseId": "{{.id}}-{{.timestamp}}", "promiseTimeout": 1}
    for schedule_id in (gone, foreign):
        tags = {"resonate:target": "poll://any@nobody"}
        assert topology.ask_engine("schedule.create", id=schedule_id, promiseTags=tags, promiseParam={}, **never) < 300
    assert topology.stop("worker") == 0
    topology.start("worker")
    topology.until("the schedule is removed", lambda: topology.ask_engine("schedule.get", id=gone) == 404)
    assert topology.ask_engine("schedule.get", id=foreign) == 200
    topology.until_ready()


def test_a_worker_ends_at_once_where_it_cannot_serve(topology: Topology) -> None:
    taken = topology.command("worker", process="worker")
    assert taken.returncode == 1
    assert "HEALTH_PORT: cannot listen on 127.0.0.1:" in taken.stderr and "Traceback" not in taken.stderr
