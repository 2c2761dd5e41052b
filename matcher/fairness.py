"""What may never enter a score: the list, and the check that every model and every reader of data goes through.

Place in the flow: **fairness** -> features, score, learner. Protected characteristics and a stated situation count
nowhere; age and gender count only as hard rules that a person wished for.
"""

from collections.abc import Iterable

from matcher.errors import BadEvent

FORBIDDEN = (
    "sex", "gender", "male", "female", "woman", "women", "man", "men", "age", "aged", "born", "birth", "race", "racial",
    "ethnic", "ethnicity", "colour", "religion", "religious", "faith", "belief", "imprace", "imprelig", "orientation",
    "disability", "disabled", "health", "ill", "illness", "pregnant", "pregnancy", "married", "marriage", "lonely",
    "loneliness", "situation", "income", "tuition", "field", "career", "place", "nationality", "language", "languages",
    "quiet", "wishes", "date", "goal",
)  # fmt: skip
"""Words that may stand in no feature's name and in no name of a field that a feature is made of.

`date` and `goal` are the speed-dating file's own (how often somebody dates, and what for): a situation they stated.
"""


def forbidden_word(name: str) -> str | None:
    """The word in `name` that is on the list, or None; `near_age` and `attr_Race` have one, `storage` has none."""
    words = name.lower().replace("-", "_").split("_")
    return next((word for word in words if word in FORBIDDEN), None)


def check_allowed(names: Iterable[str]) -> None:
    """Raises BadEvent if one of `names` is on the list."""
    for name in names:
        if word := forbidden_word(name):
            raise BadEvent(f"no score may look at {name!r}: {word!r} is on the list of what may not count")
