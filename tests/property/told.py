"""What was asked for and what the pool was told, restated from the two logs alone.

Place in the flow: world -> **told** -> hard_rules, rest, truths. Events come in as JSON values.
"""

from datetime import datetime, timedelta
from typing import Any

Json = dict[str, Any]
TAKE_BACK_WITHIN = timedelta(hours=1)
"""Wall time within which whoever raised a concern may take it back."""


class Violation(AssertionError):
    """A truth of the design does not hold."""


def time_of(value: str) -> datetime:
    """The UTC time in a row or event."""
    return datetime.fromisoformat(value)


def insist(holds: object, truth: int, sentence: str) -> None:
    """Raise a Violation of this truth unless it holds."""
    if not holds:
        raise Violation(f"truth {truth}: {sentence}")


class Requests:
    """What people asked for, in the order of person-events; a request that comes again is no new request."""

    def __init__(self) -> None:
        self.people: dict[str, Json] = {}
        self.windows: dict[str, Json] = {}
        self._seen: set[str] = set()
        self._taken_back: set[tuple[str, str, str]] = set()
        self._after: dict[str, list[tuple[int, Json]]] = {}
        self._reasons: dict[tuple[str, str], list[int]] = {}

    def asked(self, offset: int, event: Json) -> None:
        """One event of person-events."""
        if event["id"] in self._seen:
            return
        self._seen.add(event["id"])
        nobody = {"here": False, "paused": False, "held": False, "erased": False, "blocks": set()}
        person = self.people.setdefault(event["person"], {**nobody, "concerns": {}, "raised": {}})
        kind = event["type"].rsplit(".", 1)[0]
        if kind == "person.registered":
            person.update(here=True, erased=False)
        elif kind in ("person.paused", "person.resumed"):
            person["paused"] = kind == "person.paused"
        elif kind in ("person.held", "person.released", "concern.raised", "concern.withdrawn", "person.blocked"):
            self._about_another(person, kind, event)
        elif kind == "person.erased":
            person.update(here=False, paused=False, erased=True, blocks=set(), raised={})
        elif kind == "availability.opened":
            refused = self._refusal(person)
            self.windows[event["availability"]] = {"person": event["person"], "offset": offset, "refused": refused}
        shown = {**person, "blocks": set(person["blocks"]), "concerns": dict(person["concerns"])}
        self._after.setdefault(event["person"], []).append((offset, shown))
        reason = kind.rsplit(".", 1)[1]
        self._reasons.setdefault((event["person"], reason), []).append(offset)

    def _about_another(self, person: Json, kind: str, event: Json) -> None:
        """A block, or a concern: raised and withdrawn by `person`, or held and released about them."""
        call, raised = (str(event.get("other")), str(event.get("invitation"))), person["raised"]
        if kind == "person.held":
            person["concerns"][event["by"], event["invitation"]] = event["id"]
        elif kind == "person.released":
            left = {of: id_ for of, id_ in person["concerns"].items() if id_ != event["concern"]}
            self._seen |= {event["concern"]} if left == person["concerns"] else set()
            person["concerns"] = left
        elif kind == "concern.raised":
            earlier = raised.get(call, {"blocked": event["other"] in person["blocks"]})
            raised[call] = {**earlier, "at": time_of(event["at"])}
            self._taken_back.discard((event["person"], *call))
        elif kind == "person.blocked":
            raised.update({of: {**told, "blocked": True} for of, told in raised.items() if of[0] == event["other"]})
        elif call in raised and time_of(event["at"]) - raised[call]["at"] <= TAKE_BACK_WITHIN:
            told = raised.pop(call)
            self._taken_back.add((event["person"], *call))
            if not told["blocked"] and all(other != event["other"] for other, _ in raised):
                person["blocks"].discard(event["other"])
        if kind in ("concern.raised", "person.blocked"):
            person["blocks"].add(event["other"])
        person["held"] = bool(person["concerns"])

    @staticmethod
    def _refusal(person: Json) -> str | None:
        if not person["here"]:
            return "erased" if person["erased"] else "unknown"
        if person["held"]:
            return "held"
        return "paused" if person["paused"] else None

    def check_cause(self, availability: str, kind: str) -> None:
        """An end needs somebody who asked for it, after the window was asked for."""
        window = self.windows[availability]
        refused = window["refused"]
        insist(refused in (None, kind), 6, f"{availability} was asked for while {refused}, and ended as {kind}")
        if kind in ("called", "ran_out") or refused:
            return
        asked = self._reasons.get((window["person"], kind), [])
        insist(any(offset > window["offset"] for offset in asked), 6, f"{availability} {kind}, and nobody asked for it")

    def check_taken_back(self) -> None:
        """Once all is read, nobody is held for a concern that was taken back."""
        for by, other, call in self._taken_back:
            stands = (by, call) in self.people.get(other, {"concerns": {}})["concerns"]
            insist(not stands, 6, f"{other} is held for what {by} took back")

    def check_row(self, person: str, row: Json) -> None:
        """A row of `people` says what the requests up to its offset say."""
        told = [shown for offset, shown in self._after[person] if offset <= row["offset"]][-1]
        for name in ("paused", "held", "erased"):
            insist(row[name] == told[name], 6, f"{person} is {name}={row[name]}, and the requests say otherwise")
        concerns = {one["concern"] for one in row["concerns"]}
        insist(concerns == set(told["concerns"].values()), 6, f"other concerns stand about {person} than were raised")
        insist(set(row["blocks"]) == told["blocks"], 6, f"the blocks of {person} are not those asked for")
        insist((row["profile"] is not None) == told["here"], 6, f"{person} is here or not, against the requests")


class Told:
    """What the pool's log says about people and time, after each offset."""

    def __init__(self) -> None:
        self.after: list[tuple[datetime | None, dict[str, Json]]] = []
        self.walls: list[datetime | None] = []
        self.accepts: dict[str, dict[str, int]] = {}
        self.answers: dict[str, list[tuple[int, str, str]]] = {}
        self.rings: dict[str, int] = {}

    def logged(self, offset: int, event: Json) -> None:
        """One event of the pool's log."""
        now, people = self.after[-1] if self.after else (None, {})
        wall = self.walls[-1] if self.walls else None
        if event["type"] == "tick.v1":
            now = max(now, time_of(event["now"])) if now else time_of(event["now"])
            wall = max(wall, time_of(event["wall"])) if wall else time_of(event["wall"])
        elif "seq" in event:
            people = {**people, event["person"]: _known(people.get(event["person"]), offset, event)}
        elif event["type"] in ("invitation.answered.v1", "invitation.rung.v1"):
            self._about_invitation(offset, event["invitation"]["invitation"], event)
        self.after.append((now, people))
        self.walls.append(wall)

    def _about_invitation(self, offset: int, key: str, event: Json) -> None:
        if event["type"] == "invitation.rung.v1":
            self.rings.setdefault(key, offset)
            return
        self.answers.setdefault(key, []).append((offset, event["person"], event["answer"]))
        if event["answer"] == "accept":
            self.accepts.setdefault(key, {}).setdefault(event["person"], offset)


def _known(before: Json | None, offset: int, event: Json) -> Json:
    nothing: Json = {"seq": -1, "features": None, "until": None, "company": None, "left": None, "asked": frozenset()}
    nothing |= {"asked_last": -1, "hopes_for": None, "goes_on": None}
    known = before or nothing
    if event["seq"] <= known["seq"]:
        return known
    known = {**known, "seq": event["seq"]}
    kind = event["type"]
    if kind == "person.edited.v1":
        known["features"] = event["features"]
    elif kind == "person.moved.v1":
        known.update(until=event["until"], asked_last=offset)
    elif kind == "person.left.v1":
        known["left"] = (offset, event["reason"])
    elif event["availability"] not in known["asked"]:
        known["asked"] |= {event["availability"]}
        known["features"] = event["features"] or known["features"]
        if not event["refused"]:
            wanted = {name: event[name] for name in ("until", "company", "hopes_for", "goes_on")}
            known.update(**wanted, left=None, asked_last=offset)
    return known
