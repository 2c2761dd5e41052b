"""Truth 5: the hard rules as a person would say them, worked out again in plain Python.

Place in the flow: told -> **hard_rules** -> truths.
"""

from datetime import datetime
from math import cos, hypot, radians
from zoneinfo import ZoneInfo

from tests.property.told import Json, time_of

LONDON = ZoneInfo("Europe/London")
BANDS = ["18-24", "25-34", "35-49", "50-64", "65-74", "75+"]
NEAR_KM = 25
LEAST_TALK_S = 180


def lasting_refusal(me: str, mine: Json, you: str, yours: Json) -> str | None:
    """Why `me` may not talk with `you` at any hour, or None."""
    if not set(mine["languages"]) & set(yours["languages"]):
        return "no language in common"
    if you in mine["blocks"]:
        return "blocked"
    if "same_gender" in mine["wishes"] and (mine["gender"] == "unsaid" or mine["gender"] != yours["gender"]):
        return "gender wish"
    if "near_age" in mine["wishes"] and abs(BANDS.index(mine["age_band"]) - BANDS.index(yours["age_band"])) > 1:
        return "age wish"
    if "near_home" in mine["wishes"] and _km(mine["cell"], yours["cell"]) > NEAR_KM:
        return "home wish"
    return None


def hour_refusal(known: Json, you: str, now: datetime) -> str | None:
    """Why this person may not be asked about `you` at this hour, or None; `goes_on` is with whom their call broke."""
    mine = known["features"]
    if (time_of(known["until"]) - now).total_seconds() < LEAST_TALK_S:
        return "less than three minutes left"
    local = now.astimezone(LONDON)
    if mine["quiet"] and _in_quiet(local.hour * 60 + local.minute, mine["quiet"]):
        return "quiet hours"
    bonded, met = you in mine["bonds"] and known["hopes_for"] in (None, you), you in mine["met"]
    bonded = bonded or known["goes_on"] == you
    fits = {"known": bonded, "new": not bonded and not met, "either": bonded or not met}
    return None if fits[known["company"]] else "company"


def _in_quiet(minute: int, quiet: Json) -> bool:
    start, end = quiet["start_min"], quiet["end_min"]
    length = (end - start) % (24 * 60)
    return (minute - start) % (24 * 60) < length


def _km(a: str, b: str) -> float:
    (lat_a, lon_a), (lat_b, lon_b) = (map(float, cell.split(",")) for cell in (a, b))
    return 111.2 * hypot(lat_a - lat_b, (lon_a - lon_b) * cos(radians((lat_a + lat_b) / 2)))
