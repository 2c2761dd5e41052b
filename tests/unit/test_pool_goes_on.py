"""Going on with a call whose line broke: both ask within two minutes, and nobody else gets between."""

from datetime import timedelta
from typing import Any

import pytest

from matcher.events import CallEnded, CallHeartbeat, InvitationAnswered, PersonEdited, PersonWaiting
from matcher.invitation import LOST, Invitation
from matcher.pool import Pool
from tests.unit.test_pool import FEATURES, NOW, offers, tick, waiting

MET = {"ada": "stan", "stan": "ada"}


class Town:
    """A pool in which ada and stan have talked until their call ended, and the offsets of its log."""

    def __init__(self, reason: str = LOST) -> None:
        self.pool = Pool("GB")
        self.offset = -1
        for name in MET:
            self.apply(waiting(name))
        (self.call,) = offers(self.apply(tick(1)))
        common: dict[str, Any] = {"at": NOW, "market": "GB", "invitation": self.call}
        for name in MET:
            self.apply(InvitationAnswered(id=f"yes-{name}", person=name, answer="accept", **common))
        self.apply(CallHeartbeat(id="beat", heard=("ada", "stan"), connected=True, **common))
        self.apply(tick(2))
        self.apply(CallEnded(id="end", reason=reason, **common))
        for name, other in MET.items():
            features = FEATURES.model_copy(update={"met": (other,)})
            self.apply(PersonEdited(id=f"met-{name}", at=NOW, market="GB", person=name, seq=2, features=features))

    def apply(self, event: Any) -> list[Any]:
        """The event comes next in the log."""
        self.offset += 1
        return self.pool.apply(event, self.offset)

    def asks(self, name: str, **change: Any) -> None:
        """Somebody asks to go on."""
        told = {"company": "known", "hopes_for": MET[name], "goes_on": self.call.invitation, "seq": 3}
        features = FEATURES.model_copy(update={"met": (MET[name],)})
        self.apply(waiting(name, seq=3).model_copy(update={**told, "features": features, **change}))

    def offered(self, second: int) -> list[Invitation]:
        """What a tick offers."""
        return offers(self.apply(tick(second)))


@pytest.mark.parametrize("asked_s", [(3, 4), (3, 119)])
def test_both_are_offered_to_each_other_again_and_the_offer_names_the_call(asked_s: tuple[int, int]) -> None:
    town = Town()
    assert town.pool.invitations[town.call.invitation].called
    for name, second in zip(MET, asked_s, strict=True):
        assert town.offered(second) == []
        town.asks(name)
    (one,) = town.offered(121)
    assert (one.people, one.goes_on, one.reasons) == (("ada", "stan"), town.call.invitation, ("goes_on",))
    assert one.invitation != town.call.invitation


@pytest.mark.parametrize("reason", ["hung up", "time", "declined"])
def test_a_call_that_somebody_ended_is_not_gone_on_with(reason: str) -> None:
    town = Town(reason)
    for name in MET:
        town.asks(name)
    assert town.offered(3) == []


def test_who_waits_in_vain_is_free_after_two_minutes_and_not_before() -> None:
    town = Town()
    town.asks("ada")
    town.offered(122)
    assert town.pool.waiting["ada"].end is None
    town.offered(128)
    assert town.pool.waiting["ada"].end == "ran_out"
    town.asks("stan")
    assert town.offered(129) == []
    assert town.pool.waiting["stan"].end == "ran_out"


@pytest.mark.parametrize("reporter", MET)
@pytest.mark.parametrize("bonds", [(), ("ada", "stan")], ids=["strangers", "friends"])
def test_who_reported_the_other_is_not_put_through_again(reporter: str, bonds: tuple[str, ...]) -> None:
    for meanwhile in (False, True):  # reported before they ask, or between asking and the tick
        town = Town()
        for name, other in MET.items():
            blocks = (other,) if name == reporter else ()
            features = FEATURES.model_copy(update={"met": (other,), "bonds": bonds, "blocks": blocks})
            town.asks(name, features=features if not meanwhile else features.model_copy(update={"blocks": ()}))
            if meanwhile and blocks:
                town.apply(PersonEdited(id="b", at=NOW, market="GB", person=name, seq=4, features=features))
        assert town.offered(3) == []


def test_nobody_else_comes_between_and_nobody_goes_on_with_another_call() -> None:
    town = Town()
    for name in ("bob", "cat"):
        town.apply(waiting(name))
    town.asks("ada")
    assert [one.people for one in town.offered(3)] == [("bob", "cat")]
    other = Town()
    other.apply(waiting("bob"))
    for name in MET:
        other.asks(name, hopes_for="bob")
    assert other.offered(3) == []


def test_a_window_for_anybody_takes_the_place_of_going_on() -> None:
    town = Town()
    town.asks("ada")
    town.asks("stan")
    town.apply(waiting("ada", seq=4))
    assert town.offered(3) == []
    assert town.pool.waiting["ada"].goes_on is None
    town.apply(waiting("bob"))
    (one,) = town.offered(4)
    assert (one.people, one.goes_on) == (("ada", "bob"), None)


def test_what_was_written_before_anybody_could_go_on_still_reads() -> None:
    old = waiting("ada").model_dump(mode="json", exclude={"hopes_for", "goes_on"})
    assert PersonWaiting.model_validate_json(PersonWaiting.model_validate(old).model_dump_json()) == waiting("ada")
    row = Town().call
    told = row.model_dump(mode="json", exclude={"goes_on"})
    assert Invitation.model_validate(told) == row
    assert row.until <= NOW + timedelta(minutes=20)
