"""The checker: design truths 1-6 restated in plain Python, from the logs and rows alone.

Place in the flow: world -> told -> hard_rules, rest -> **truths** <- machine. It shares no code with what it
checks: events, rows and leases come in as JSON values, and the hard rules, deadlines and ends are worked out again
from the order of the two logs.
"""

from datetime import datetime, timedelta

from tests.property.hard_rules import hour_refusal, lasting_refusal
from tests.property.rest import Rest
from tests.property.told import Json, Requests, Told, insist, time_of

GO_ON = timedelta(seconds=125)
RINGING = ("offered", "rung", "accepted")
LIVE = (*RINGING, "confirmed")


class Truths:
    """Reads both logs, the changelogs, the rings and the leases as they happen; raises Violation at once."""

    def __init__(self) -> None:
        self.requests = Requests()
        self.told = Told()
        self.rest = Rest(self.told)
        self.rows: dict[str, dict[str, Json]] = {"people": {}, "waiting": {}, "invitations": {}}
        self.ends: dict[str, str] = {}
        self.over: dict[str, str] = {}
        self._moment = 0
        self._written: dict[tuple[str, str], int] = {}
        self._known_to_writer: set[str] = set()
        self._merged: dict[str, str] = {}
        self._over_since: dict[str, int] = {}
        self._released: dict[str, int] = {}
        self._rings: dict[str, dict[str, int]] = {}

    # --- the changelogs, as every reader takes them ---

    def wrote(self, table: str, key: str, row: Json | None, *, zombie: bool = False, again: bool = False) -> None:
        """A row was appended; `again` when a writer that starts repeats what it holds, `zombie` when it comes late."""
        self._moment += 1
        if row is None:
            self._forgot(table, key)
            return
        if not zombie and not again:
            last = self._written.get((table, key), -1)
            insist(row["offset"] > last, 6, f"{table}/{key} was changed again by the event at {row['offset']}")
        if not zombie:
            self._written[table, key] = row["offset"]
            if table == "invitations":
                self._known_to_writer.add(key)
        old = self.rows[table].get(key)
        if old and old["offset"] > row["offset"]:
            return  # a reader keeps the highest offset
        self.rows[table][key] = row
        if table == "waiting":
            self._waits(row, old)
            self.rest.check_place(row, zombie)
        elif table == "invitations":
            self._invited(row, old, zombie)
        elif table == "people":
            self.requests.check_row(key, row)

    def _forgot(self, table: str, key: str) -> None:
        row = self.rows[table].pop(key, None)
        self._written.pop((table, key), None)
        if row and table == "waiting":
            insist(row["availability"] in self.ends, 3, f"{row['availability']} was forgotten without an end")
        elif row:
            insist(key in self.over, 3, f"{key} was forgotten without an end")

    def _waits(self, row: Json, old: Json | None) -> None:
        availability = row["availability"]
        for other in row["also"]:
            self._merged[other] = availability
        if old and old["availability"] != availability:
            insist(old["availability"] in self.ends, 3, f"{old['availability']} gave way without an end")
        if row["end"]:
            if availability not in self.ends:
                self._check_ran_out(row)
            self._ended(availability, row["end"])
        else:
            shown = self.ends.get(availability, "called")
            insist(shown == "called", 3, f"{availability} ended ({shown}) and is open again")

    def _check_ran_out(self, row: Json) -> None:
        if row["end"] == "ran_out":
            now, people = self.told.after[row["offset"]]
            until = people[row["person"]]["until"]
            in_vain = people[row["person"]]["goes_on"] and not self._goes_on(people, row["person"], row["offset"])
            insist(in_vain or (now and now >= time_of(until)), 3, f"{row['availability']} ran out before its end")

    def _ended(self, availability: str, kind: str) -> None:
        shown = self.ends.setdefault(availability, kind)
        insist(shown == kind, 3, f"{availability} ended as {shown} and as {kind}")
        self.requests.check_cause(availability, kind)

    def _invited(self, row: Json, old: Json | None, zombie: bool) -> None:
        key, state = row["invitation"], row["state"]
        shown = self.over.get(key, state)
        if old is None and key in self.over and state == "voided":
            self.over[key] = state
            return  # forgotten, and somebody answers from a page that was left open: still over
        insist(shown == state, 3, f"{key} ended ({shown}) and is now {state}")
        if old is None and key not in self.over:
            self._check_offer(row, zombie)
        if row["confirmed_wall"] or row["connected_wall"] or state == "confirmed":
            accepts = self.told.accepts.get(key, {})
            both = all(accepts.get(row[side], row["offset"] + 1) <= row["offset"] for side in "ab")
            insist(both, 2, f"{key} is confirmed without both accepts")
        if state == "confirmed" and (old is None or old["state"] != "confirmed"):
            self._check_call(row)
        if state not in LIVE and key not in self.over:
            self.over[key], self._over_since[key] = state, self._moment
            self.rest.over(row)
            if state == "ended" and row["connected_wall"]:
                self._ended(row["availability_a"], "called")
                self._ended(row["availability_b"], "called")

    def _check_offer(self, row: Json, zombie: bool) -> None:
        now, people = self.told.after[row["offset"]]
        assert now is not None
        if not zombie:
            later = [key for (table, key), at in self._written.items() if table != "people" and at > row["offset"]]
            insist(not later, 6, f"{row['invitation']} is offered by an old tick: later events have changed {later}")
        for me, you, window in ((row["a"], row["b"], "availability_a"), (row["b"], row["a"], "availability_b")):
            insist(me in people, 3, f"{me} is invited and never asked")
            known = {**people[me], "goes_on": self._goes_on(people, me, row["offset"])}
            why = self._lasting(people, me, you) or hour_refusal(known, you, now)
            insist(why is None, 5, f"{row['invitation']} is offered to {me} against: {why}")
            if not zombie:
                insist(row[window] not in self.ends, 3, f"{me} is invited after {self.ends.get(row[window])}")
                twice = [one for one in self._live_of(me) if one["invitation"] != row["invitation"]]
                insist(not twice, 1, f"{me} is offered {row['invitation']} while {twice} lives")
        if not zombie:
            self.rest.check_offer(row, now, people)

    def _goes_on(self, people: dict[str, Json], me: str, offset: int) -> str | None:
        """With whom `me` may go on at this offset: they asked to, and that line broke two minutes ago at most."""
        known, wall = people[me], self.told.walls[offset]
        call = self.rows["invitations"].get(known["goes_on"])
        if call is None or call["state"] != "ended" or not call["connected_wall"] or call["end_reason"] != "lost":
            return None
        same = {me, known["hopes_for"]} == {call["a"], call["b"]}
        return known["hopes_for"] if same and wall and wall <= time_of(call["ended_wall"]) + GO_ON else None

    def _check_call(self, row: Json) -> None:
        _, people = self.told.after[row["offset"]]
        for me, you in ((row["a"], row["b"]), (row["b"], row["a"])):
            insist(not self._lasting(people, me, you), 5, f"{row['invitation']} is confirmed against a rule of {me}")
            calls = [one for one in self.rows["invitations"].values() if one["state"] == "confirmed" and _in(me, one)]
            insist(len(calls) == 1, 1, f"{me} is in {len(calls)} calls")

    @staticmethod
    def _lasting(people: dict[str, Json], me: str, you: str) -> str | None:
        return lasting_refusal(me, people[me]["features"], you, people[you]["features"])

    def _live_of(self, person: str) -> list[Json]:
        rows = (row for key, row in self.rows["invitations"].items() if key in self._known_to_writer)
        return [row for row in rows if row["state"] in LIVE and _in(person, row)]

    # --- after the writer took in an event ---

    def applied(self, offset: int) -> None:
        """The writer has taken in this event and written everything about it."""
        _, people = self.told.after[offset]
        for key in self._known_to_writer - self.over.keys():
            row = self.rows["invitations"].get(key)
            if row and row["offset"] <= offset:
                for me, you in ((row["a"], row["b"]), (row["b"], row["a"])):
                    why = self._lasting(people, me, you)
                    insist(why is None, 5, f"{key} lives on after {me} said: {why}")
        for person, known in people.items():
            row = self.rows["waiting"].get(person)
            if known["left"] and known["left"][0] == offset and not (row and row["offset"] > offset):
                self._check_left(person, known["left"][1], row)

    def _check_left(self, person: str, reason: str, row: Json | None) -> None:
        talking = False
        for one in self._live_of(person):
            talking = reason == "closed" and one["connected_wall"] is not None
            insist(talking, 5, f"{one['invitation']} lives on after {person} {reason}")
        known = row is not None and row["features"] is not None
        insist(not (known and reason == "erased"), 6, f"{person} was erased, and their row still describes them")
        insist(not row or talking or row["availability"] in self.ends, 6, f"{person} {reason}, and still waits")

    # --- rings and leases ---

    def rang(self, row: Json, person: str, wall: datetime) -> None:
        """The channel rang `person` for this invitation."""
        self._moment += 1
        key = row["invitation"]
        insist(not (key in self.over and key in self._released), 1, f"{key} rings after its end")
        insist(wall <= time_of(row["answer_by_wall"]), 1, f"{key} rings after its deadline")
        mine = self._rings.setdefault(person, {})
        for other, since in mine.items():
            insist(other == key or self._silent(other, since), 1, f"{person} is rung for {key} and for {other}")
        mine.setdefault(key, self._moment)

    def _silent(self, key: str, since: int) -> bool:
        """Whether a ring has ended: by an end shown after it, or by the release that follows an earlier end."""
        over = self._over_since.get(key)
        return over is not None and (over > since or self._released.get(key, 0) > since)

    def leased(self, op: str, key: str, before: Json, after: Json, wall: datetime) -> None:
        """A claim operation turned the leases {person: (invitation, until)} from `before` into `after`."""
        self._moment += 1
        if op == "release":
            self._released[key] = self._moment
        for person, (held, until) in before.items():
            kept = after.get(person, ("nobody", until))[0]
            freed = op == "wipe" or (op == "release" and held == key)
            insist(kept == held or until <= wall or freed, 1, f"{op} of {key} took {person} from {held} for {kept}")

    # --- when everything has come to rest ---

    def at_rest(self) -> None:
        """Everything was handled and all windows have passed: nothing is open and nothing is missing."""
        for availability in self.requests.windows:
            window = self._merged.get(availability, availability)
            insist(window in self.ends, 3, f"{availability} was asked for and never ended")
        for key in {*self.rows["invitations"], *self._known_to_writer}:
            insist(key in self.over, 3, f"{key} never ended")
        for person, rings in self._rings.items():
            for key in rings:
                insist(key in self.over, 3, f"{person} was rung for {key} and is never told of its end")
        self.requests.check_taken_back()
        for person in self.requests.people:
            insist(person in self.rows["people"], 6, f"{person} has no row")
            self.requests.check_row(person, self.rows["people"][person])


def _in(person: str, row: Json) -> bool:
    return person in (row["a"], row["b"])
