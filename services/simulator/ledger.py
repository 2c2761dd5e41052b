"""What the town did, in figures, and every availability that was answered with 2xx, on disk as it happens.

Place in the flow: person_life -> **ledger** -> the town's report, and the file that a checker reads even if the town
dies.
"""

import json
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

AVAILABILITIES_FILE = "town-availabilities.jsonl"


class Ledger:
    """Counts of one town, and its file of availabilities in the folder `data`."""

    def __init__(self, data: Path) -> None:
        data.mkdir(parents=True, exist_ok=True)
        self._file = (data / AVAILABILITIES_FILE).open("a", encoding="utf-8", buffering=1)
        self.opened: list[str] = []
        self.did: Counter[str] = Counter()
        self.said: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.requests = 0
        self.retries = 0

    def put_opened(self, availability: str, posted_at: datetime, answered_at: datetime) -> None:
        """An availability was answered with 2xx: from here on it must have exactly one end."""
        line = {
            "availability": availability,
            "answered_at": answered_at.isoformat(),
            "posted_at": posted_at.isoformat(),
        }
        self._file.write(json.dumps(line) + "\n")
        self.opened.append(availability)
        self.did["opened"] += 1

    def progress(self) -> dict[str, Any]:
        """Counts so far."""
        return {**self.did, "requests": self.requests, "retries": self.retries, "errors": sum(self.errors.values())}

    def report(self, closed_in_time: bool) -> dict[str, Any]:
        """The town's last word."""
        return {
            "opened_2xx": self.opened,
            "closed_in_time": closed_in_time,
            "did": dict(self.did),
            "outcomes": dict(self.said),
            "requests": self.requests,
            "retries": self.retries,
            "errors": dict(self.errors),
        }

    def close(self) -> None:
        """Close the file."""
        self._file.close()
