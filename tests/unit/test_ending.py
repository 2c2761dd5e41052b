"""Tasks of a process that is told to stop."""

import asyncio

from services.process import end


def test_tasks_end_also_when_one_loses_the_word_that_it_shall() -> None:
    async def deaf_once() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.Event().wait()

    async def play() -> list[bool]:
        tasks = [asyncio.create_task(deaf_once()), asyncio.create_task(asyncio.sleep(0))]
        await asyncio.sleep(0)
        await end(tasks)
        return [task.done() for task in tasks]

    assert asyncio.run(play()) == [True, True]
