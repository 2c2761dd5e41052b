"""What the notifier does with a row: claim before ring, never from rows that may be behind."""

from datetime import UTC, datetime, timedelta

import pytest

from matcher.errors import Away
from matcher.events import InvitationRung, InvitationVoided
from matcher.invitation import ANSWER, Invitation, over
from matcher.twins import MemoryChannel, MemoryClaims, MemoryOutbox
from services.notifier.notify import HUSH_WITHIN, Notifier

NOW = datetime(2026, 6, 15, 8, 0, tzinfo=UTC)


class Bench:
    """A notifier on twins, with a clock that the test moves."""

    def __init__(self) -> None:
        self.wall = NOW
        self.claims = MemoryClaims(lambda: self.wall)
        self.channel, self.outbox = MemoryChannel(), MemoryOutbox()

    def notifier(self, *rows: Invitation) -> Notifier:
        """One that has read these rows and started."""
        made = Notifier(self.claims, [self.channel], self.outbox, lambda: self.wall)
        for row in rows:
            made.read(row)
        made.start()
        return made

    @property
    def said(self) -> list[type]:
        """The kinds of events that went to the pool."""
        return [type(event) for _, _, event in self.outbox.said]


def offered(key: str, a: str = "ann", b: str = "bob", offset: int = 1) -> Invitation:
    return Invitation(
        offset=offset, invitation=key, market="GB", a=a, b=b, availability_a="x", availability_b="y", topic="birds",
        reasons=(), score=0.5, decided_wall=NOW, answer_by_wall=NOW + ANSWER, until=NOW + timedelta(minutes=20),
        pool_now=NOW, pool_wall=NOW,
    )  # fmt: skip


def ended(row: Invitation) -> Invitation:
    return over(row, "declined", "declined", NOW, NOW).model_copy(update={"offset": row.offset + 10})


def test_the_first_offer_of_all_rings_both_and_says_so() -> None:
    bench = Bench()
    bench.notifier().read(offered("one"))
    assert bench.channel.rings == [("one", "ann"), ("one", "bob")]
    assert bench.said == [InvitationRung]


def test_an_offer_to_somebody_who_is_claimed_is_voided_and_nobody_hears_a_ring() -> None:
    bench = Bench()
    notifier = bench.notifier()
    notifier.read(offered("one"))
    bench.channel.rings.clear()
    notifier.read(offered("two", "bob", "cat", 2))
    assert bench.channel.rings == []
    assert bench.said == [InvitationRung, InvitationVoided]
    assert bench.outbox.said[-1][2].busy == ("bob",)  # type: ignore[attr-defined]


def test_an_offer_that_ended_before_the_notifier_started_never_rings() -> None:
    bench = Bench()
    bench.notifier(offered("one"), ended(offered("one")))
    assert bench.channel.rings == []


def test_a_notifier_that_is_behind_does_not_bring_wiped_claims_back_by_itself() -> None:
    bench = Bench()
    behind = bench.notifier()
    bench.claims.wipe()
    with pytest.raises(Away):
        behind.read(offered("one"))
    assert bench.channel.rings == []
    bench.notifier(offered("one"), ended(offered("one")), offered("two", offset=2))
    assert bench.channel.rings == [("two", "ann"), ("two", "bob")]


def test_after_a_wipe_what_rings_is_claimed_again_before_anything_else_may_ring() -> None:
    bench = Bench()
    rung = offered("one").model_copy(update={"state": "rung", "rung": True, "token": 4})
    bench.claims.wipe()
    bench.notifier(rung, offered("two", "bob", "cat", 2))
    assert bench.channel.rings == []
    assert bench.said == [InvitationVoided]


def test_a_notifier_that_crashed_between_claim_and_word_rings_again_and_says_it() -> None:
    bench = Bench()
    bench.notifier().read(offered("one"))
    bench.notifier(offered("one"))
    assert bench.said == [InvitationRung, InvitationRung]
    assert len({event.id for _, _, event in bench.outbox.said}) == 1


def test_what_rang_and_has_ended_is_taken_back_on_every_channel_also_after_a_restart() -> None:
    bench = Bench()
    rang = offered("one").model_copy(update={"rung": True, "state": "rung"})
    bench.notifier(rang).read(ended(rang))
    assert bench.channel.hushed == [("one", "ann"), ("one", "bob")]
    bench.channel.hushed.clear()
    bench.notifier(rang, ended(rang))
    assert bench.channel.hushed == [("one", "ann"), ("one", "bob")]


def test_a_ring_is_taken_back_from_whoever_answers_as_soon_as_they_do_and_once() -> None:
    bench = Bench()
    rang = offered("one").model_copy(update={"rung": True, "state": "rung"})
    notifier = bench.notifier(rang)
    accepted = rang.model_copy(update={"state": "accepted", "answer_b": "accept", "offset": 2})
    for row in (accepted, accepted.model_copy(update={"offset": 3})):
        notifier.read(row)
    assert bench.channel.hushed == [("one", "bob")]


def test_what_never_rang_or_ended_long_ago_is_not_taken_back() -> None:
    bench = Bench()
    bench.notifier(offered("one"), ended(offered("one")))
    rang = ended(offered("two").model_copy(update={"rung": True, "state": "rung"}))
    bench.wall = NOW + HUSH_WITHIN
    bench.notifier(rang)
    assert bench.channel.hushed == []
