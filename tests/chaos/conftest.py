"""What tests that break a living demo share: the parts that it plays on."""

import pytest


@pytest.fixture(params=["embedded", "real"])
def arguments(request: pytest.FixtureRequest) -> list[str]:
    """What the demo is told of its parts."""
    if request.param == "embedded":
        return []
    parts = request.getfixturevalue("real_parts")
    return ["--broker", parts.kafka.bootstrap, "--redis", parts.redis.url]
