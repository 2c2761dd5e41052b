"""Claims in Redis: one Lua script, so that both people are claimed or neither is (see claims.lua for the keys)."""

from pathlib import Path
from typing import Any

import redis

from matcher.invitation import Invitation
from matcher.ports import DONE_S, Busy, ClaimResult, Done, Granted, Wiped

SCRIPT = Path(__file__).with_suffix(".lua").read_text()


class RedisClaims:
    """The port `matcher.ports.Claims`. Raises redis.RedisError when Redis is away."""

    def __init__(self, client: "redis.Redis", prefix: str) -> None:
        self._prefix = prefix
        self._script = client.register_script(SCRIPT)

    def claim(self, row: Invitation, lease_s: int) -> ClaimResult:
        """Claim both people; idempotent for the same invitation."""
        deadline_ms = int(row.answer_by_wall.timestamp() * 1000)
        match self._run(row.market, "claim", row, lease_s, deadline_ms):
            case [b"granted", token]:
                return Granted(int(token))
            case [b"busy", sides, left_ms]:
                people = tuple(person for bit, person in ((1, row.a), (2, row.b)) if sides & bit)
                return Busy(people, max(int(left_ms), 0))
            case [b"wiped"]:
                return Wiped()
        return Done()

    def renew(self, row: Invitation, lease_s: int) -> bool:
        """Lengthen the lease of both."""
        return bool(self._run(row.market, "renew", row, lease_s))

    def release(self, row: Invitation) -> None:
        """Free both and mark the invitation as done."""
        self._run(row.market, "release", row, DONE_S)

    def restore(self, row: Invitation, lease_s: int) -> bool:
        """Claim again what rang or talked before the claims were lost."""
        return bool(self._run(row.market, "restore", row, lease_s, row.token))

    def set_whole(self, market: str) -> None:
        """The claims are whole again."""
        self._run(market, "whole", None, 0)

    def _run(self, market: str, op: str, row: Invitation | None, lease_s: int, extra: int = 0) -> Any:
        base = f"{self._prefix}{{{market}}}:"
        a, b, invitation = (row.a, row.b, row.invitation) if row else ("", "", "")
        keys = [base + "epoch", base + "fence", base + "claim:" + a, base + "claim:" + b, base + "done:" + invitation]
        return self._script(keys=keys, args=[op, invitation, lease_s * 1000, extra])
