"""A town of people for a while: draws them, lets them live, closes their windows at the end, and counts.

Place in the flow: app -> **town** -> people, person_life. It starts when the gateway is ready.
"""

import asyncio
import json
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from http import HTTPStatus
from importlib.resources import files
from random import Random
from typing import Any

import aiohttp

from services.clock import SystemClock
from services.settings import Settings
from services.simulator.figures import figures
from services.simulator.habits import arrival_s, arrivals_curve
from services.simulator.ledger import Ledger
from services.simulator.line import TRY_TIMEOUT_S, Line
from services.simulator.people import Area, TownPerson, draw_people
from services.simulator.person_life import CLOSING_S, PersonLife, Town
from services.simulator.truth import Truth

READY_LIMIT_S = 60.0
LOOK_EVERY_S = 0.5
PROGRESS_EVERY_S = 1.0
MOVE_IN_S = 300.0
"""A town whose people stay is there within this."""
CLOSING_SPREAD_S = 6.0
"""The town closes its windows over so long: people do not all tap in the same moment."""
READ_BUFFER = 16 * 1024  # a person's events are small, and there are many people

Report = Callable[[dict[str, Any]], None]


class NotReady(RuntimeError):
    """The gateway did not become ready in time."""


async def run(
    settings: Settings, base_url: str, people: int, play_s: float, seed: int, report: Report, stay: bool = False,
    enough: asyncio.Event | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Play `people` for `play_s` wall seconds; `report` gets progress. If they `stay`, they come soon and come back.

    `enough` ends the play before its time. The last word is returned, see `Ledger.report`.

    Raises NotReady, and ValueError for more people than a town can have.
    """
    ledger = Ledger(settings.data)
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=30)
    jar = aiohttp.DummyCookieJar()  # each line carries its own session
    try:
        async with aiohttp.ClientSession(connector=connector, cookie_jar=jar, read_bufsize=READ_BUFFER) as web:
            areas = await _areas(web, base_url)
            town = Town(
                seed=seed, speed=settings.speed, market=settings.markets[0], ends_s=time.monotonic() + play_s,
                clock=SystemClock(settings), truth=Truth(seed), ledger=ledger, stay=stay,
            )  # fmt: skip
            drawn = draw_people(people, seed, areas)
            lives = [
                PersonLife(town, person, Line(web, base_url, person.phone, ledger), arrives_s)
                for person, arrives_s in zip(
                    drawn, _arrivals(town, drawn, min(play_s, MOVE_IN_S) if stay else play_s), strict=True
                )
            ]
            return ledger.report(await _live(town, lives, report, enough or asyncio.Event()))
    finally:
        ledger.close()


async def _areas(web: aiohttp.ClientSession, base_url: str) -> list[Area]:
    """The areas that the gateway lists, with the cells that the truth needs; waits until the gateway answers."""
    known = json.loads((files("services.gateway") / "areas.json").read_text(encoding="utf-8"))
    await _until_ready(web, base_url)
    async with web.get(base_url + "/lists", timeout=aiohttp.ClientTimeout(total=TRY_TIMEOUT_S)) as answer:
        listed = {area["code"] for area in (await answer.json())["areas"]}
    return [Area(code=area["code"], cell=area["cell"]) for area in known if area["code"] in listed]


async def _until_ready(web: aiohttp.ClientSession, base_url: str) -> None:
    deadline_s = time.monotonic() + READY_LIMIT_S
    while time.monotonic() < deadline_s:
        try:
            async with web.get(base_url + "/health", timeout=aiohttp.ClientTimeout(total=TRY_TIMEOUT_S)) as answer:
                if answer.status == HTTPStatus.OK:
                    return
        except (aiohttp.ClientError, TimeoutError):
            pass
        await asyncio.sleep(LOOK_EVERY_S)
    raise NotReady(f"the gateway at {base_url} was not ready within {READY_LIMIT_S:g} s")


def _arrivals(town: Town, drawn: list[TownPerson], play_s: float) -> list[float]:
    """The wall second at which each person arrives."""
    start = town.clock.now()

    def hour_after(passed: timedelta) -> int:
        return town.hour_at(start + passed)

    curves = {
        commutes: arrivals_curve(play_s, town.speed, hour_after, commutes, figures()) for commutes in (True, False)
    }
    return [
        arrival_s(Random(f"{town.seed}|arrival|{person.number}").random(), curves[person.habit.commutes], play_s)
        for person in drawn
    ]


async def _live(town: Town, lives: list[PersonLife], report: Report, enough: asyncio.Event) -> bool:
    """Everybody's life, then the closing of the windows; whether all came to its end in time."""
    tasks = [asyncio.create_task(life.run()) for life in lives]
    telling = asyncio.create_task(_tell(town, lives, report))
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, town.ends_s - time.monotonic())):
                await enough.wait()
            town.ends_s, town.brought_forward = time.monotonic(), True
        for life in lives:
            life.close()
            await asyncio.sleep(CLOSING_SPREAD_S / len(lives))
        left_s = town.ends_s + CLOSING_S - time.monotonic()
        done, _ = await asyncio.wait(tasks, timeout=max(0.0, left_s))
        for task in done:
            if error := task.exception():
                town.ledger.errors[f"fault {type(error).__name__}: {error}"] += 1
        for life in lives:
            if not life.settled:
                town.ledger.did["unsettled_window" if life.sight.window_open else "unsettled_meeting"] += 1
        return all(life.settled for life in lives)
    finally:
        for task in (*tasks, telling):
            task.cancel()
        await asyncio.gather(*tasks, telling, return_exceptions=True)


async def _tell(town: Town, lives: list[PersonLife], report: Report) -> None:
    while True:
        await asyncio.sleep(PROGRESS_EVERY_S)
        waiting = sum(life.sight.window_open for life in lives)
        report({**town.ledger.progress(), "window_open": waiting})
