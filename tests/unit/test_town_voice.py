"""The voice of a neighbour, without a browser: two of them meet, lose each other, and meet again."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from services.simulator.tune import FRAME, Tune
from services.simulator.voice import Voice

LIMIT_S = 20.0
PAUSE_S = 0.02


class Post:
    """Carries signals between two voices as the gateway does: in order, and who comes anew hears themselves."""

    def __init__(self, *sides: str) -> None:
        self.tunes = {side: Tune(side) for side in sides}
        self.heard = {side: asyncio.Event() for side in sides}
        self.boxes: dict[str, asyncio.Queue[dict[str, Any]]] = {side: asyncio.Queue() for side in sides}
        self.voices = {side: self._voice(side) for side in sides}

    def _voice(self, side: str) -> Voice:
        async def say(signal: dict[str, Any]) -> None:
            for name, box in self.boxes.items():
                if name != side or "to" not in signal:
                    box.put_nowait({"candidates": [], **signal, "mine": name == side})

        ice = {"ice_servers": [], "policy": "all", "side": side}
        return Voice(ice, say, self.tunes[side], self.heard[side])

    async def deliver(self, side: str) -> None:
        """Hand one side its signals, for ever."""
        while True:
            await self.voices[side].take(await self.boxes[side].get())

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until it is true."""
        async with asyncio.timeout(LIMIT_S):
            while not true():  # noqa: ASYNC110
                await asyncio.sleep(PAUSE_S)


def meet(then: Callable[[Post], Coroutine[Any, Any, None]]) -> None:
    """Two voices begin; what happens `then`, and the end."""

    async def met() -> None:
        post = Post("a", "b")
        delivering = [asyncio.create_task(post.deliver(side)) for side in post.voices]
        try:
            for voice in post.voices.values():
                await voice.begin()
            await post.until(lambda: all(event.is_set() for event in post.heard.values()))
            await then(post)
        finally:
            for task in delivering:
                task.cancel()
            for voice in post.voices.values():
                await voice.end()

    asyncio.run(met())


def test_two_voices_hear_each_other_whichever_side_they_are() -> None:
    async def then(post: Post) -> None:
        for voice in post.voices.values():
            await post.until(voice.flowed)

    meet(then)


def test_a_side_that_begins_anew_is_heard_again() -> None:
    async def then(post: Post) -> None:
        for side in ("b", "a"):
            await post.voices[side].begin()
            for voice in post.voices.values():
                voice.flowed()  # what flowed before does not count
                await post.until(voice.flowed)

    meet(then)


def test_nothing_flows_before_anybody_is_there_and_garbage_is_passed_over() -> None:
    async def alone() -> None:
        post = Post("a", "b")
        voice = post.voices["b"]
        await voice.begin()
        offer = {"type": "offer", "sdp": "v=0\r\nm=audio garbage\r\n"}
        for garbage in ({"description": offer}, {"candidates": [{"candidate": "candidate:x"}, {"candidate": ""}]}):
            await voice.take({"page": "somebody", "mine": False, "candidates": [], **garbage})
        assert not voice.flowed()
        await voice.end()

    asyncio.run(alone())


def test_the_tune_is_loud_enough_never_too_loud_and_another_in_another_call() -> None:
    one, other = Tune("one").samples, Tune("other").samples
    assert len(one) % FRAME == 0
    assert 2_000 < abs(one.astype(float)).mean() < 12_000
    assert abs(one.astype(int)).max() < 32_767
    assert (one != other).any()
