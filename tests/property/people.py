"""The people of the small town: most fit each other, and each hard rule has somebody who asks for it.

Place in the flow: **people** -> machine.
"""

from typing import Any

from matcher.person import Profile, QuietHours

HERE, NEARBY, FAR = "51.5,-0.1", "51.6,-0.1", "55.9,-3.2"
QUIET_AT_FIRST = QuietHours(start_min=8 * 60 + 50, end_min=9 * 60 + 20)  # local; the town wakes at 9:00 local


def profile(**told: Any) -> Profile:
    """Somebody who fits most, but for what is told."""
    usual = {"first_name": "Ada", "adult": True, "area": "N1", "cell": HERE, "languages": ("en",), "age_band": "50-64"}
    return Profile(**{**usual, "gender": "woman", "likes": ("birds",), **told})


PROFILES = [
    profile(),
    profile(first_name="Bo", cell=NEARBY, gender="man", likes=("birds", "radio")),
    profile(first_name="Cy", languages=("en", "cy"), age_band="65-74"),
    profile(languages=("cy",)),
    profile(wishes=("same_gender",)),
    profile(gender="unsaid", wishes=("same_gender",)),
    profile(age_band="75+", wishes=("near_age",)),
    profile(age_band="18-24"),
    profile(wishes=("near_home",)),
    profile(cell=FAR),
    profile(quiet=QUIET_AT_FIRST),
    profile(cell=FAR, wishes=("near_home",)),
]
