"""A picture of what waiting is worth: utility as a share of the clairvoyant's against the mean wait, all policies.

Place in the flow: report -> **plot** -> a file. Drawn only when asked for, since the library is slow to load.
"""

from pathlib import Path
from typing import Any

from matcher.errors import BadRequest

KINDS = (".svg", ".png", ".pdf")


def draw(found: dict[str, Any], path: Path) -> None:
    """Draw the report into a file; the kind follows from its name.

    Raises BadRequest for another kind of file, or if it cannot be written.
    """
    if path.suffix.lower() not in KINDS:
        raise BadRequest(f"a plot is a file that ends in {', '.join(KINDS)}, not {path.name!r}")
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4.5), layout="constrained")
    for name, figures in found["policies"].items():
        x, y = figures["wait_mean_min"] or 0.0, figures["utility_share"] or 0.0
        axes.errorbar(
            x, y, xerr=_arms(x, figures["wait_mean_min_ci"]), yerr=_arms(y, figures["utility_share_ci"]), fmt="o",
            capsize=3,
        )  # fmt: skip
        axes.annotate(name.replace("_", " "), (x, y), xytext=(6, 6), textcoords="offset points")
    axes.set(xlabel="mean wait of those who were called (minutes)", ylabel="utility, share of the clairvoyant's")
    axes.set(title=f"Signal: {found['signal'] or 'given market'}, {found['seeds']} towns", ylim=(0, 1.02))
    axes.set_xlim(left=0)
    try:
        figure.savefig(path)
    except OSError as error:
        raise BadRequest(f"{path} cannot be written: {error.strerror}") from None
    finally:
        pyplot.close(figure)


def _arms(middle: float, interval: list[float] | None) -> list[list[float]] | None:
    if interval is None:
        return None
    return [[max(0.0, middle - interval[0])], [max(0.0, interval[1] - middle)]]
