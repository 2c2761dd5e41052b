"""Every guard of the core by name, and what its line becomes when the guard is removed.

Place in the flow: a line marked `# guard: NAME` in matcher/ or services/notifier/notify.py -> **guards** -> mutant.
A line of a table is dropped; an `if` never refuses; the others say what they become.
"""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILES = (*sorted((ROOT / "matcher").rglob("*.py")), ROOT / "services" / "notifier" / "notify.py")
MARK = "# guard: "

NEVER = "if False:"
ALWAYS = "if True:"
DROPPED = ""

WITHOUT: dict[str, str] = {
    "person-event-redelivered": NEVER,
    "same-request-twice": NEVER,
    "not-while-paused-held-or-erased": "refused = None",
    "event-redelivered": NEVER,
    "ended-is-not-offered": "if row is not None:",
    "duplicate-from-enrich": ALWAYS,
    "ended-never-reopens": NEVER,
    "change-reaches-live-invitations": NEVER,
    "offer-of-another-writer": NEVER,
    "rest-after-no-answer": NEVER,
    "rest-after-not-now": NEVER,
    "rest-while-busy": NEVER,
    "asked-before": DROPPED,
    "tick-redelivered": NEVER,
    "highest-offset": "return True",
    "claims-wiped": NEVER,
    "done-is-never-claimed": NEVER,
    "claim-of-another": NEVER,
    "renew-only-ones-own": NEVER,
    "release-only-ones-own": ALWAYS,
    "answer-after-the-end": NEVER,
    "answer-of-a-stranger": NEVER,
    "two-accepts": NEVER,
    "read-all-before-acting": ALWAYS,
    "hold-on-before-claiming": NEVER,
    "rule-block": DROPPED,
    "rule-window": DROPPED,
    "rule-quiet-hours": DROPPED,
    "rule-language": DROPPED,
    "rule-gender": DROPPED,
    "rule-age": DROPPED,
    "rule-home": DROPPED,
    "rule-company": DROPPED,
    "hopes-for-one": NEVER,
    "only-with-the-same": "if call is None:",
    "only-after-a-broken-line": "return call.invitation",
    "in-vain-no-longer": "asks = ()",
}


@dataclass(frozen=True, slots=True)
class Guard:
    """One marked line."""

    name: str
    file: Path
    line: int

    @property
    def module(self) -> str:
        """The module's dotted name."""
        return ".".join(self.file.relative_to(ROOT).with_suffix("").parts)


def guards() -> list[Guard]:
    """Every marked line of the code."""
    return [
        Guard(text.split(MARK)[1].strip(), file, number)
        for file in FILES
        for number, text in enumerate(file.read_text().splitlines())
        if MARK in text
    ]


def source_without(guard: Guard) -> str:
    """The module's source with this guard removed and every other line in its place."""
    lines = guard.file.read_text().splitlines()
    old = lines[guard.line]
    indent = old[: len(old) - len(old.lstrip())]
    lines[guard.line] = indent + WITHOUT[guard.name] if WITHOUT[guard.name] else ""
    return "\n".join(lines) + "\n"
