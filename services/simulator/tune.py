"""What a neighbour sounds like: a small tune, made on the spot from the call's id, hummed as long as the call lasts.

Place in the flow: **tune** -> voice. Nobody's recorded voice, no file.
"""

import asyncio
import fractions
import time
from random import Random

import numpy as np
from aiortc.mediastreams import MediaStreamTrack
from av import AudioFrame

RATE = 48_000
FRAME = RATE // 50
"""20 ms, as browsers send it."""
NOTE_S = 0.4
NOTES = 24
PENTATONIC_HZ = (220.0, 246.94, 277.18, 329.63, 369.99, 440.0)
OVERTONES = ((1, 1.0), (2, 0.4), (3, 0.15))
LOUDNESS = 0.25
SWELL_S, FADE_S = 0.05, 0.15


class Tune:
    """An endless tune; `frames` counts those that were played to somebody."""

    def __init__(self, seed: str) -> None:
        self.samples = _composed(Random(seed))
        self.frames = 0

    def track(self) -> MediaStreamTrack:
        """The tune for one connection."""
        return _Hummed(self)


class _Hummed(MediaStreamTrack):
    kind = "audio"

    def __init__(self, tune: Tune) -> None:
        super().__init__()
        self._tune = tune
        self._played = 0
        self._start_s: float | None = None

    async def recv(self) -> AudioFrame:
        """The next frame, when it is time for it."""
        if self._start_s is None:
            self._start_s = time.monotonic()
        await asyncio.sleep(self._start_s + self._played / RATE - time.monotonic())
        at = self._played % len(self._tune.samples)
        frame = AudioFrame.from_ndarray(self._tune.samples[None, at : at + FRAME], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, self._played, fractions.Fraction(1, RATE)
        self._played += FRAME
        self._tune.frames += 1
        return frame


def _composed(rng: Random) -> "np.ndarray[tuple[int], np.dtype[np.int16]]":
    """Some seconds of a tune as samples, a whole number of frames long."""
    at_s = np.arange(int(NOTE_S * RATE)) / RATE
    swell = np.minimum(1.0, np.minimum(at_s / SWELL_S, (NOTE_S - at_s) / FADE_S))
    step, notes = len(PENTATONIC_HZ) // 2, []
    for _ in range(NOTES):
        step = min(max(step + rng.choice((-2, -1, -1, 0, 1, 1, 2)), 0), len(PENTATONIC_HZ) - 1)
        hummed = sum(part * np.sin(2 * np.pi * PENTATONIC_HZ[step] * times * at_s) for times, part in OVERTONES)
        notes.append(hummed * swell)
    return (np.concatenate(notes) * LOUDNESS / sum(part for _, part in OVERTONES) * 32_767).astype(np.int16)
