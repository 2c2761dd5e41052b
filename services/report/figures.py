"""The figures of a time, asked of the history in SQL.

Place in the flow: history -> **figures** -> shown. The checker counts the same promises from the topics with code of
its own; nothing is shared but the words. A figure follows what began in the time that is asked for: windows by when
they were opened, invitations by when they were decided, each with all that became of them since.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from matcher.errors import Away, BadRequest, NotFound
from services.archivist.files import Span, all_spans, readable

TRIES = 5
"""The archivist may merge files while they are read; then they are listed and read again."""
LOGS = ("person-events", "pool", "receipts", "calls", "outcomes", "dead-letters")
"""Topics that are never compacted: an offset without a row is a row that Kafka lost before it was archived."""
USED = ("person-events", "pool", "invitations", "calls", "outcomes", "pairs", "dead-letters")

FILES = """
create or replace temp table kept as
select topic, "partition", count(*) as row_count, max("offset") + 1 as end_offset, max("timestamp") as newest
from read_parquet($paths) group by all;

create or replace temp table facts as
select topic, "offset", "timestamp", type, value from read_parquet($paths)
where topic in $used and value is not null and (topic <> 'pool' or type = 'invitation.rung.v1')
  and (topic <> 'person-events' or type = 'availability.opened.v1')
  and (topic <> 'calls' or type = 'leg.heard.v1');
"""
NO_FILES = """
create temp table kept (topic varchar, "partition" integer, row_count bigint, end_offset bigint, newest timestamptz);
create temp table facts (topic varchar, "offset" bigint, "timestamp" timestamptz, type varchar, value varchar);
"""

# Anything may stand in a topic, so nothing is taken for what it should be: `try_cast` and not `cast`.
THINGS = """
create temp table openings as
select value->>'person' as person, value->>'availability' as availability,
       min(try_cast(value->>'at' as timestamptz)) as opened_wall,
       min(try_cast(value->>'opened_at' as timestamptz)) as opened_domain
from facts where topic = 'person-events' group by all
having opened_wall >= getvariable('since') and opened_wall < getvariable('until');

create temp table versions as
select value->>'invitation' as invitation, "offset", try_cast(value->>'offset' as bigint) as caused_by,
       value->>'a' as a, value->>'b' as b, value->>'availability_a' as availability_a,
       value->>'availability_b' as availability_b, value->>'state' as state,
       try_cast(value->>'rung' as boolean) as rung, value->>'confirmed_wall' is not null as confirmed,
       value->>'connected_wall' is not null as connected,
       try_cast(value->>'decided_wall' as timestamptz) as decided_wall,
       try_cast(value->>'pool_now' as timestamptz) as pool_now,
       try_cast(value->>'pool_wall' as timestamptz) as pool_wall
from facts where topic = 'invitations' and value->>'invitation' is not null and caused_by is not null;

create temp table invitations as
with rings as (
  select value->'invitation'->>'invitation' as invitation from facts where topic = 'pool'
), ends as (
  select invitation, min(caused_by) as ended_by from versions
  where state in ('declined', 'expired', 'voided', 'ended') group by all
), counting as (  -- what a late writer says after the end changes nothing
  select versions.* from versions left join ends using (invitation) where caused_by <= coalesce(ended_by, caused_by)
)
select invitation, any_value(a) as a, any_value(b) as b, any_value(availability_a) as availability_a,
       any_value(availability_b) as availability_b, any_value(decided_wall) as decided_wall,
       min(pool_now) as decided_domain, arg_max(state, (caused_by, -"offset")) as state,
       bool_or(confirmed) as confirmed, bool_or(connected) as connected,
       bool_or(rung) or coalesce(invitation in (from rings), false) as rung,
       min(pool_now) filter (rung) as rung_domain, min(pool_wall) filter (rung) as rung_wall
from counting group by invitation
having decided_wall >= getvariable('since') and decided_wall < getvariable('until');

create temp table sides as
select unnest([a, b]) as person, unnest([availability_a, availability_b]) as availability,
       * exclude (a, b, availability_a, availability_b)
from invitations;

create temp table last_words as
select value->>'invitation' as invitation, value->>'person' as person,
       arg_max(value->>'talk_again', "offset") as word
from facts where topic = 'outcomes' and type = 'outcome.given.v1' group by all;

create temp table bonds as
select value->>'a' as a, value->>'b' as b,
       arg_max(try_cast(value->>'bond' as boolean), try_cast(value->>'offset' as bigint)) as bond
from facts where topic = 'pairs' and "timestamp" < getvariable('until') group by all;

create temp table legs as
select try_cast(value->'quality'->>'loss' as double) as loss,
       try_cast(value->'quality'->>'jitter_ms' as double) as jitter_ms,
       try_cast(value->'quality'->>'round_trip_ms' as double) as round_trip_ms
from facts where topic = 'calls' and value->>'quality' is not null
  and value->'invitation'->>'invitation' in (from (select invitation from invitations));

create temp table letters as
select value->>'id' as letter, min("timestamp") as written from facts
where topic = 'dead-letters' and value->>'kind' = 'letter' group by all
having written >= getvariable('since') and written < getvariable('until');

create temp table waits as
select openings.person, availability, (min(epoch(decided_domain)) - min(epoch(opened_domain))) / 60 as matched_min,
       min(epoch(decided_wall)) - min(epoch(opened_wall)) as matched_s,
       (min(epoch(rung_domain)) filter (confirmed) - min(epoch(opened_domain))) / 60 as ring_min,
       min(epoch(rung_wall)) filter (confirmed) - min(epoch(opened_wall)) as ring_s
from openings join sides using (availability) group by all;
"""

FIGURES = {
    "opened": "select count(distinct availability) from openings",
    "offered": "select count(*) from invitations",
    "rung": "select count(*) from invitations where rung",
    "accepted_both": "select count(*) from invitations where confirmed",
    "connected": "select count(*) from invitations where connected",
    "both_would_talk_again": """
        select count(*) from (select invitation from last_words where word = 'yes' group by invitation
                              having count(*) = 2) semi join invitations using (invitation)""",
    "bonds": "select count(*) from bonds where bond",
    "declined": "select count(*) from invitations where state = 'declined'",
    "expired": "select count(*) from invitations where state = 'expired'",
    "voided": "select count(*) from invitations where state = 'voided'",
    "dead_letters": "select count(*) from letters",
}
"""One number each, in the order in which they are shown."""
PEOPLE = """
select count(*), count(*) filter (person in (select person from sides where connected)),
       count(*) filter (person not in (select person from sides where rung)) from (select distinct person from openings)
"""
WAITS = """
select count({name}_s), quantile_disc({name}_min, 0.5), quantile_disc({name}_min, 0.9), quantile_disc({name}_s, 0.5),
       quantile_disc({name}_s, 0.9) from waits
"""
QUALITY = """
select count(*), quantile_disc(loss, [0.5, 0.9]), quantile_disc(jitter_ms, [0.5, 0.9]),
       quantile_disc(round_trip_ms, [0.5, 0.9]) from legs
"""
"""Of every heartbeat in which one side told how it hears the other."""
MISSING = "select coalesce(sum(end_offset - row_count), 0)::bigint from kept where topic in $logs"
HISTORY = "select coalesce(sum(row_count), 0)::bigint, max(newest) from kept"


@dataclass(frozen=True, slots=True)
class Time:
    """Wall time from `since` to just before `until`; None for no limit. Raises BadRequest if that is no time."""

    since: datetime | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        if self.since and self.until and self.since >= self.until:
            raise BadRequest("a report's time has to begin before it ends: --since must be earlier than --until")


def figures(folder: Path, time: Time) -> dict[str, Any]:
    """All figures of a time. Raises NotFound without a history, Away if its files change faster than they are read."""
    if not folder.is_dir():
        raise NotFound(f"there is no history in {folder}: the archivist writes it (partyline run archivist)")
    with duckdb.connect() as database:
        database.execute("set timezone = 'UTC'")
        for name, value in (("since", time.since), ("until", time.until)):
            limit = value.isoformat() if value else ("-infinity" if name == "since" else "infinity")
            database.execute(f"set variable {name} = $limit::timestamptz", {"limit": limit})
        spans = _read(database, folder)
        database.execute(THINGS)
        return _answers(database, spans, time)


def _read(database: duckdb.DuckDBPyConnection, folder: Path) -> list[Span]:
    for _ in range(TRIES):
        spans = readable(all_spans(folder))
        if not spans:
            database.execute(NO_FILES)
            return spans
        paths = [str(folder / one.name) for one in spans]
        try:
            for statement in FILES.split(";\n\n"):
                given = {"paths": paths, "used": list(USED)}
                database.execute(statement, {name: value for name, value in given.items() if f"${name}" in statement})
        except duckdb.IOException:
            continue
        return spans
    raise Away("the files of the history change faster than they can be read: try again", retry_after_s=5)


def _answers(database: duckdb.DuckDBPyConnection, spans: list[Span], time: Time) -> dict[str, Any]:
    def ask(question: str, **given: Any) -> tuple[Any, ...]:
        found: tuple[Any, ...] | None = database.execute(question, given).fetchone()
        assert found is not None
        return found

    offered_time, connected, never_asked = ask(PEOPLE)
    rows, newest = ask(HISTORY)
    return {
        "since": _iso(time.since),
        "until": _iso(time.until),
        **{name: ask(question)[0] for name, question in FIGURES.items()},
        "people": {
            "offered_time": offered_time,
            "connected": connected,
            "coverage": _share(connected, offered_time),
            "never_asked": never_asked,
            "never_asked_share": _share(never_asked, offered_time),
        },
        "waits": {
            "until_matched": _wait(*ask(WAITS.format(name="matched"))),
            "until_the_ring_that_led_on": _wait(*ask(WAITS.format(name="ring"))),
        },
        "heard": _heard(*ask(QUALITY)),
        "history": {
            "rows": rows,
            "files": len(spans),
            "rows_lost": ask(MISSING, logs=list(LOGS))[0],
            "newest": _iso(newest),
        },
    }


def _wait(of: int, p50_min: float, p90_min: float, p50_s: float, p90_s: float) -> dict[str, Any]:
    return {
        "of": of,
        "domain_min": {"p50": _rounded(p50_min), "p90": _rounded(p90_min)},
        "wall_s": {"p50": _rounded(p50_s), "p90": _rounded(p90_s)},
    }


def _heard(of: int, *found: list[float] | None) -> dict[str, Any]:
    digits = {"loss": 4, "jitter_ms": 1, "round_trip_ms": 1}
    told: dict[str, Any] = {"of": of}
    for (name, places), values in zip(digits.items(), found, strict=True):
        half, most = values or (None, None)
        told[name] = {"p50": _rounded(half, places), "p90": _rounded(most, places)}
    return told


def _rounded(value: float | None, digits: int = 2) -> float | None:
    return None if value is None else round(max(0.0, value), digits)


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 3) if whole else None


def _iso(time: datetime | None) -> str | None:
    return time.astimezone(UTC).isoformat() if time else None
