"""A model as it is written down: JSON with a schema number, never pickle.

Place in the flow: learner -> **model file** -> `model.promoted` event -> pool. What cannot be read, or was written in
another schema, is refused with a sentence, and the model in service stays.
"""

import json
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from matcher.errors import BadEvent
from matcher.person import Market
from matcher.score import Level, Model, Trait
from matcher.values import Finite, Row, Utc, Value

SCHEMA = 2
"""Raised whenever a field changes its meaning. Schema 1 was the bare intercept and weights of `model.promoted.v1`."""
DRAWS_LIMIT = 64


class TraitTerm(Value):
    """A trait's weights, per standard deviation."""

    mean: Finite
    sd: Finite
    gives: Finite
    gets: Finite


class ModelFile(Value):
    """A learned model: coefficients, priors of the person effects, calibration, and what it was learned from."""

    schema_version: Literal[2] = 2
    version: Annotated[str, Field(min_length=1, max_length=80)]
    intercept: Finite
    weights: dict[str, Finite]
    traits: dict[str, TraitTerm] = Field(default_factory=dict)
    gives_sd: Finite
    gets_sd: Finite
    level_gave: Finite
    level_got: Finite
    usual: Finite | None = None
    slope: Finite = 1.0
    shift: Finite = 0.0
    bond_slope: Finite = 1.0
    bond_shift: Finite = 0.0
    dependence: Finite = 0.0
    of_unknown: Finite = 0.0
    draws: Annotated[int, Field(ge=1, le=DRAWS_LIMIT)] = 1
    learned_from: Utc
    learned_until: Utc
    answers: Annotated[int, Field(ge=0)]

    def model(self) -> Model:
        """What scores with it. Raises BadEvent if a feature is not known or may not count."""
        return Model(
            version=self.version, intercept=self.intercept, weights=dict(self.weights),
            traits={name: Trait(one.mean, one.sd, one.gives, one.gets) for name, one in self.traits.items()},
            gives_sd=self.gives_sd, gets_sd=self.gets_sd, level=Level(self.level_gave, self.level_got),
            usual=self.intercept if self.usual is None else self.usual,
            slope=self.slope, shift=self.shift, bond_slope=self.bond_slope, bond_shift=self.bond_shift,
            dependence=self.dependence, of_unknown=self.of_unknown, draws=self.draws,
        )  # fmt: skip


def read_model_file(text: str | bytes) -> ModelFile:
    """The model that `text` holds, whole and usable.

    Raises:
        BadEvent: it is not JSON, of another schema, incomplete, or of features that are not known or may not count.
    """
    try:
        found = json.loads(text)
    except ValueError:
        raise BadEvent("the model file is not JSON") from None
    schema = found.get("schema_version") if isinstance(found, dict) else None
    if schema != SCHEMA:
        raise BadEvent(f"the model file has schema {json.dumps(schema)[:20]}, and this Partyline reads schema {SCHEMA}")
    try:
        read = ModelFile.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        raise BadEvent(f"the model file's {'.'.join(map(str, first['loc']))}: {first['msg'].lower()}") from None
    read.model()
    return read


class PromotedModel(Row):
    """The row of a market in `models`: the model in service. `offset` is that of the pool topic."""

    market: Market
    promoted: ModelFile
