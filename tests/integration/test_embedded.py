"""The embedded parts as processes: their address works, they end when told, and they never outlive their parent."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest
import redis

from services import topics
from services.embedded.broker import embedded_broker
from services.embedded.redis import embedded_redis

END_LIMIT_S = 1.0  # design: both are gone within a second
LOOK_LIMIT_S = 10.0


def part(module: str, data: Path) -> list[str]:
    """The command that runs a part."""
    folder = ["--data", str(data)] if module.endswith("redis") else []
    return [sys.executable, "-m", module, *folder]


MODULES = pytest.mark.parametrize("module", ["services.embedded.broker", "services.embedded.redis"])


def gone(processes: list[psutil.Process], limit_s: float) -> bool:
    """Whether all of them end within the limit."""
    deadline_s = time.monotonic() + limit_s
    while any(map(runs, processes)) and time.monotonic() < deadline_s:
        time.sleep(0.02)
    return not any(map(runs, processes))


def runs(process: psutil.Process) -> bool:
    """Whether it still does anything: in a container nobody may collect an orphan that has ended."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_the_broker_serves_while_its_block_lasts_and_not_after() -> None:
    with embedded_broker() as address:
        assert address.embedded
        topics.wait_for_broker(address.bootstrap, 5, print)
        topics.create(address.bootstrap, "", embedded=True)
    assert not topics._listens(address.bootstrap)


def test_the_redis_server_serves_while_its_block_lasts_and_not_after() -> None:
    with embedded_redis() as url, redis.Redis.from_url(url) as client:
        assert client.set("key", "value")
        assert client.get("key") == b"value"
        assert client.eval("return redis.call('incr', KEYS[1])", 1, "{GB}counter") == 1
    with pytest.raises(redis.ConnectionError):
        redis.Redis.from_url(url, retry=None).ping()


def test_the_redis_server_writes_nothing_that_would_last(tmp_path: Path) -> None:
    server = subprocess.Popen(part("services.embedded.redis", tmp_path), stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    with redis.Redis.from_url(json.loads(server.stdout.readline())["url"]) as client:
        client.set("name", "a name that must not reach a disk")
    server.terminate()
    assert server.wait(5) == 0
    assert [file.name for file in tmp_path.iterdir()] == ["redis.log"]


@MODULES
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_part_ends_within_a_second_when_told(module: str, number: signal.Signals, tmp_path: Path) -> None:
    process = subprocess.Popen(part(module, tmp_path), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children()]
    process.send_signal(number)
    assert process.wait(END_LIMIT_S) == 0
    assert gone(family[1:], END_LIMIT_S)


@MODULES
def test_a_part_ends_when_its_parent_is_killed(module: str, tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, *part(module, tmp_path)[1:]], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    assert parent.stdout.readline()  # the part's announcement
    family = psutil.Process(parent.pid).children(recursive=True)
    assert family
    parent.kill()
    parent.wait()
    assert gone(family, 2 * END_LIMIT_S)


PARENT = textwrap.dedent("""
    import subprocess, sys, time
    subprocess.Popen([sys.executable, *sys.argv[1:]])
    time.sleep(60)
""")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tie a child to its parent")
def test_the_redis_server_ends_when_the_process_around_it_is_killed(tmp_path: Path) -> None:
    process = subprocess.Popen(part("services.embedded.redis", tmp_path), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline()
    servers = psutil.Process(process.pid).children()
    assert servers
    process.kill()
    process.wait()
    assert gone(servers, END_LIMIT_S)


def test_a_redis_server_that_dies_takes_its_process_with_it(tmp_path: Path) -> None:
    process = subprocess.Popen(
        part("services.embedded.redis", tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline()
    os.kill(psutil.Process(process.pid).children()[0].pid, signal.SIGKILL)
    _, complaint = process.communicate(timeout=LOOK_LIMIT_S)
    assert process.returncode == 1
    assert "ended by itself" in complaint


def test_two_brokers_stand_side_by_side() -> None:
    with embedded_broker() as one, embedded_broker() as other:
        assert one.bootstrap != other.bootstrap
        for address in (one, other):
            topics.wait_for_broker(address.bootstrap, 5, print)
