"""What a stream already holds when Faust resumes a flow that flows is not lost."""

import asyncio

from mode.utils.queues import FlowControlQueue

from services.stream.factory import SteadyFlow


def test_resuming_what_flows_empties_nothing() -> None:
    async def held() -> int:
        flow = SteadyFlow()
        queue = FlowControlQueue(flow_control=flow, clear_on_resume=True)
        flow.resume()
        queue.put_nowait("an event whose offset stands behind it")
        flow.resume()
        return queue.qsize()

    assert asyncio.run(held()) == 1


def test_resuming_after_a_suspension_drops_what_will_be_read_again() -> None:
    async def held() -> int:
        flow = SteadyFlow()
        queue = FlowControlQueue(flow_control=flow, clear_on_resume=True)
        flow.resume()
        queue.put_nowait("an event of before the rebalance")
        flow.suspend()
        flow.resume()
        return queue.qsize()

    assert asyncio.run(held()) == 0
