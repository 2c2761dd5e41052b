"""The model in service on Kafka: read, and replaced by an event that the pool takes over without a restart.

Place in the flow: command -> **service** -> `pool` -> `models`. A model file that is broken or of another schema is
refused before anything is sent.
"""

from datetime import UTC, datetime

from matcher.events import ModelPromoted2
from matcher.model_file import ModelFile, PromotedModel
from matcher.person import Market
from matcher.values import derived_id, wire
from services.adapters.outbox import say_once
from services.settings import Settings
from services.stream.rebuild import newest_rows
from services.topics import MODELS, POOL


def in_service(settings: Settings, market: Market) -> ModelFile | None:
    """The model that the market's pool scores with, or None if that is the fallback. Raises Away."""
    rows = newest_rows(settings.kafka, MODELS, PromotedModel)
    return next((row.promoted for row in rows.values() if row.market == market), None)


def promote(settings: Settings, market: Market, made: ModelFile) -> None:
    """Tell the market's pool to score with this model from here on. Raises Away; BadEvent if it cannot be used."""
    made.model()
    cause = wire(made).decode()
    event = ModelPromoted2(id=derived_id("model", cause), at=datetime.now(UTC), market=market, promoted=made)
    say_once(settings.kafka, POOL, market, event)
