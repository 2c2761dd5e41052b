"""How much memory the whole demo takes: the sum of PSS over itself and everything it started.

Place in the flow: play -> **memory**. PSS (proportional set size) counts a page that n processes share as 1/n in each,
so that the sum is what the machine really gives.
"""

import time

import psutil

SAMPLE_EVERY_S = 2.0
BYTES_PER_MB = 1_000_000


class Memory:
    """The peak so far; `sample` looks at most every `SAMPLE_EVERY_S`."""

    def __init__(self) -> None:
        self._self = psutil.Process()
        self._next_s = 0.0
        self.peak_pss_mb = 0.0
        self.processes = 0

    def sample(self) -> None:
        """Look, if it is time."""
        if time.monotonic() < self._next_s:
            return
        self._next_s = time.monotonic() + SAMPLE_EVERY_S
        sizes = [size for one in (self._self, *self._self.children(recursive=True)) if (size := _pss(one))]
        self.processes = max(self.processes, len(sizes))
        self.peak_pss_mb = max(self.peak_pss_mb, sum(sizes) / BYTES_PER_MB)


def _pss(process: psutil.Process) -> int:
    try:
        full = process.memory_full_info()
    except psutil.Error:
        return 0  # it ended meanwhile
    return int(getattr(full, "pss", 0) or full.uss)  # only Linux knows PSS
