"""Whether a new model may take the old one's place: judged on talks later than both were learned from.

Place in the flow: fit -> **compare** -> promote. The test is one of non-inferiority: the upper end of the 95 % interval
of the difference in log loss of "both would talk again" must lie below a margin. A person's talks hang together, so the
interval counts every two talks that share a person as they vary together (dyadic clusters: Aronow, Samii and Assenova
2015). Drawing people again (the pigeonhole bootstrap: Owen 2007) makes it up to 1.7 times as wide where they hardly do,
and a town's first model waits for weeks.
"""

import math
from dataclasses import dataclass

import numpy as np

from matcher.features import Floats, Ints
from matcher.score import Model
from services.learner.answers import Answers, joint
from services.learner.fit import log_losses

TEST = "non-inferiority of log loss, talks of one person taken together"
MARGIN_NATS = 0.005
"""How much worse a model could be and still count as not worse: about 1 % of the loss of knowing nothing."""
LEAST_TALKS = 50
STANDARD_ERRORS = 1.96


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the test found; `difference` is new minus old, in nats a talk: below 0 the new one is better."""

    talks: int
    old: float | None
    new: float | None
    difference: float | None
    interval: tuple[float, float] | None

    @property
    def not_worse(self) -> bool:
        """Whether the new model may be promoted."""
        return self.interval is not None and self.interval[1] < MARGIN_NATS

    @property
    def sentence(self) -> str:
        """The finding in words."""
        if self.interval is None:
            return f"too few to tell: {self.talks} later talks, and {LEAST_TALKS} are needed; the old model stays"
        low, high = self.interval
        found = "not worse" if self.not_worse else "not shown to be as good"
        return f"{found}: {self.difference:+.4f} nats a talk [{low:+.4f}, {high:+.4f}], margin {MARGIN_NATS}"


def compare(old: Model, new: Model, later: Answers) -> Comparison:
    """Both models on talks that neither was learned from."""
    first, true = later.talks(), later.both()
    if len(first) < LEAST_TALKS:
        return Comparison(len(first), None, None, None, None)
    losses = [log_losses(true, joint(model, later)) for model in (old, new)]
    gain = losses[1] - losses[0]
    middle, reach = float(gain.mean()), STANDARD_ERRORS * standard_error(gain, later.giver[first], later.getter[first])
    old_loss, new_loss = (float(one.mean()) for one in losses)
    return Comparison(len(first), old_loss, new_loss, middle, (middle - reach, middle + reach))


def standard_error(values: Floats, a: Ints, b: Ints) -> float:
    """Of the mean of `values` of talks between `a` and `b`, never less than if no two talks hung together."""
    off, people = values - values.mean(), int(max(a.max(), b.max())) + 1
    of_person = np.bincount(a, off, people) + np.bincount(b, off, people)
    pair = np.unique(np.minimum(a, b) * people + np.maximum(a, b), return_inverse=True)[1]
    of_pair = np.bincount(pair, off)  # two talks of one pair share both people, and count once
    together = float(of_person @ of_person - of_pair @ of_pair)
    return math.sqrt(max(together, float(off @ off))) / len(values)
