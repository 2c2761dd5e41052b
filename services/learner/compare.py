"""Whether a new model may take the old one's place: judged on talks later than both were learned from.

Place in the flow: fit -> **compare** -> promote. The test is one of non-inferiority: the upper end of the 95 % interval
of the difference in log loss of "both would talk again" must lie below a margin. The interval draws people again, and
a talk counts as often as both its people were drawn (the pigeonhole bootstrap: Owen 2007), since a person's talks hang
together.
"""

from dataclasses import dataclass

import numpy as np

from matcher.score import Model
from services.learner.answers import Answers, joint
from services.learner.fit import log_losses

TEST = "non-inferiority of log loss, pigeonhole bootstrap over people"
MARGIN_NATS = 0.005
"""How much worse a model could be and still count as not worse: about 1 % of the loss of knowing nothing."""
LEAST_TALKS = 50
DRAWS = 1_000


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


def compare(old: Model, new: Model, later: Answers, seed: int) -> Comparison:
    """Both models on talks that neither was learned from."""
    first, true = later.talks(), later.both()
    if len(first) < LEAST_TALKS:
        return Comparison(len(first), None, None, None, None)
    losses = [log_losses(true, joint(model, later)) for model in (old, new)]
    gain = losses[1] - losses[0]
    people, place = np.unique(np.concatenate([later.giver[first], later.getter[first]]), return_inverse=True)
    a, b = place[: len(first)], place[len(first) :]
    dice = np.random.default_rng(seed)
    drawn = []
    for _ in range(DRAWS):
        times = dice.multinomial(len(people), np.full(len(people), 1 / len(people)))
        weight = times[a] * times[b]
        drawn.append(float(weight @ gain / max(weight.sum(), 1)))
    low, high = np.percentile(drawn, (2.5, 97.5))
    old_loss, new_loss = (float(one.mean()) for one in losses)
    return Comparison(len(first), old_loss, new_loss, float(gain.mean()), (float(low), float(high)))
