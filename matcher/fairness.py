"""What may never enter a score: the list, and the check that every model and every reader of data goes through.

Place in the flow: **fairness** -> features, score, learner. Protected characteristics and a stated situation count
nowhere; age and gender count only as hard rules that a person wished for.
"""

import re
from collections.abc import Iterable

from matcher.errors import BadEvent

FORBIDDEN = (
    "sex", "gender", "male", "female", "woman", "women", "man", "men", "age", "born", "birth", "race", "racial",
    "samerace", "ethnic", "colour", "color", "relig", "faith", "belief", "imprace", "imprelig", "orient", "disab",
    "health", "ill", "pregnan", "marri", "lonel", "situation", "income", "tuition", "field", "career", "carer", "place",
    "nationality", "language", "quiet", "wishes", "date", "goal",
)  # fmt: skip
"""What no word of a feature's name, or of a field that a feature is made of, may begin with.

`date` and `goal` are the speed-dating file's own (how often somebody dates, and what for): a situation they stated.
"""
INNOCENT = (
    "agency", "agenda", "agent", "agents", "manage", "managed", "manager", "manages", "manner", "manners", "manual",
    "many", "mention", "mentioned", "mentions", "menu",
)  # fmt: skip
"""Words that only happen to begin like one of those; whichever is missing here is refused, and somebody will notice."""


def forbidden_word(name: str) -> str | None:
    """What of the list is in `name`, if any: in `near_age`, `ageband` and `race2` some is, in `many` none."""
    for word in re.findall(r"[^\W\d_]+", name.lower()):
        if word.startswith(FORBIDDEN) and word not in INNOCENT:
            return next(one for one in FORBIDDEN if word.startswith(one))
    return None


def check_allowed(names: Iterable[str]) -> None:
    """Raises BadEvent if one of `names` is on the list."""
    for name in names:
        if word := forbidden_word(name):
            raise BadEvent(f"no score may look at {name!r}: {word!r} is on the list of what may not count")
