"""A picture of what waiting is worth: utility as a share of the clairvoyant's against the mean wait, all policies.

Place in the flow: report -> **plot** -> a file. Drawn only when asked for, since the library is slow to load.
"""

from pathlib import Path
from typing import Any

from matcher.errors import BadRequest
from services.arguments import check_writable

KINDS = (".svg", ".png", ".pdf")


def check(path: Path) -> None:
    """Raises BadRequest for a kind of file that is not drawn, or if it cannot be written."""
    if path.suffix.lower() not in KINDS:
        raise BadRequest(f"a plot is a file that ends in {', '.join(KINDS)}, not {path.name!r}")
    check_writable(path)


def draw(found: dict[str, Any], path: Path) -> None:
    """Draw the report into a file that `check` let pass; the kind follows from its name. Raises BadRequest."""
    figure, (axes,) = _page(1)
    for name, figures in found["policies"].items():
        if figures["utility_share"] is None:  # no town in which anything could be gained
            continue
        x, y = figures["wait_mean_min"] or 0.0, figures["utility_share"]
        axes.errorbar(
            x, y, xerr=_arms(x, figures["wait_mean_min_ci"]), yerr=_arms(y, figures["utility_share_ci"]), fmt="o",
            capsize=3,
        )  # fmt: skip
        axes.annotate(name.replace("_", " "), (x, y), xytext=(6, 6), textcoords="offset points")
    axes.set(xlabel="mean wait of those who were called (minutes)", ylabel="utility, share of the clairvoyant's")
    axes.set(title=f"Signal: {found['signal'] or 'given market'}, {found['seeds']} towns", ylim=(0, 1.02))
    axes.set_xlim(left=0)
    _keep(figure, path)


def draw_month(found: dict[str, Any], path: Path) -> None:
    """Draw what a month of learning was worth, day by day, and whether the last week's scores came true.

    Raises BadRequest as `draw` does.
    """
    figure, (days, scores) = _page(2)
    for name, label in (("learns", "learns every night"), ("never", "never learns")):
        arm = found[name]
        at, share = range(1, found["days"] + 1), arm["share_by_day"]
        (line,) = days.plot(at, share, marker="o", markersize=3, label=label)
        if all(arm["share_by_day_ci"]):
            low, high = zip(*arm["share_by_day_ci"], strict=True)
            days.fill_between(at, low, high, alpha=0.2, color=line.get_color(), linewidth=0)
    days.set(xlabel="day", ylabel="share of calls after which both would talk again")
    days.set_title(f"Signal: {found['signal']}, {found['seeds']} towns; bands are 95 % intervals", fontsize=10)
    days.legend()
    scores.plot([0, 1], [0, 1], color="grey", linestyle=":")
    for name, label in (("calibration", "learns every night"), ("calibration_never", "never learns")):
        table = found[name]["table"]
        told, came = [one["chance"] for one in table], [one["came_true"] for one in table]
        scores.plot(told, came, marker="o", label=f"{label}: slope {found[name]['slope']:.2f}")
    scores.set(xlabel="score when offered, last week", ylabel="share that came true", xlim=(0, 1), ylim=(0, 1))
    scores.legend()
    _keep(figure, path)


def _page(columns: int) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7 if columns == 1 else 11, 4.5), layout="constrained")
    return figure, figure.subplots(1, columns, squeeze=False)[0]


def _keep(figure: Any, path: Path) -> None:
    try:
        figure.savefig(path)
    except OSError as error:
        raise BadRequest(f"{path} cannot be written: {error.strerror}") from None


def _arms(middle: float, interval: list[float] | None) -> list[list[float]] | None:
    if interval is None:
        return None
    return [[max(0.0, middle - interval[0])], [max(0.0, interval[1] - middle)]]
