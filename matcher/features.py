"""What the score may look at: features of a pair, the same whichever way round.

Place in the flow: candidates -> **features** -> score. Sex and the other protected characteristics, age and a person's
situation are not here and may not be added: age and gender count only as hard rules that a person wished for.
"""

import math

from matcher.person import Features

FEATURE_NAMES = ("near", "shared_likes", "bond")
NEAR_KM = 10.0
KM_PER_DEGREE = 111.2


def distance_km(cell_a: str, cell_b: str) -> float:
    """Kilometres between two cells ("lat,lon" rounded to a tenth of a degree); flat-earth, good to 1 % in a country."""
    lat_a, lon_a = map(float, cell_a.split(","))
    lat_b, lon_b = map(float, cell_b.split(","))
    east = (lon_a - lon_b) * math.cos(math.radians((lat_a + lat_b) / 2))
    return KM_PER_DEGREE * math.hypot(lat_a - lat_b, east)


def shared_topics(a: Features, b: Features) -> list[str]:
    """Topics that both like and neither would rather avoid, in the order of the curated list's names."""
    return sorted((set(a.likes) & set(b.likes)) - set(a.avoids) - set(b.avoids))


def pair_features(a: Features, b: Features, bond: bool) -> dict[str, float]:
    """The features of a pair, each in [0, 1]."""
    union = len(set(a.likes) | set(b.likes))
    return {
        "near": math.exp(-distance_km(a.cell, b.cell) / NEAR_KM),
        "shared_likes": len(shared_topics(a, b)) / union if union else 0.0,
        "bond": float(bond),
    }
