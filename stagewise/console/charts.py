"""Charts as shapes for an SVG: counts and times become places in a box that is 100 high, and words for its axes.

Words stand outside the SVG, as text of the page: so a chart can be squeezed onto a phone and still be read.
"""

from __future__ import annotations

import datetime
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    import zoneinfo
    from collections.abc import Callable, Mapping, Sequence

#: What a series is called: a text.
K = TypeVar("K", bound=str)

#: Units of the box that a step takes: a bar, and the space beside it.
STEP, BAR = 10, 8
HEIGHT = 100


class Series(NamedTuple):
    """One colour of a chart: the name of its class, what people call it, its shape as the path of an SVG, its sum."""

    name: str
    label: str
    path: str
    total: float


class Hover(NamedTuple):
    """What is said where somebody points: from ``x`` on, one step wide."""

    x: int
    words: str


@dataclass(frozen=True)
class Chart:
    """A chart whose box is ``width`` by :data:`HEIGHT`; axis words from left to right and from the top down."""

    width: int
    series: list[Series]
    hovers: list[Hover]
    across: list[str]
    up: list[str]


def bars(
    steps: Sequence[Mapping[K, int]],
    names: Mapping[K, str],
    times: Sequence[str],
    across: list[str],
) -> Chart:
    """Stacked bars: of each step the count by name; the first name stands at the bottom. ``times`` names the steps."""
    totals = [sum(step.values()) for step in steps]
    most = round_up(max(totals, default=0))
    shapes: dict[K, list[str]] = {name: [] for name in names}
    for place, step in enumerate(steps):
        floor = float(HEIGHT)
        for name in names:
            if count := step.get(name, 0):
                high = HEIGHT * count / most
                floor -= high
                shapes[name].append(f"M{place * STEP + 1} {floor:.2f}h{BAR}v{high:.2f}h-{BAR}z")
    sums = {name: sum(step.get(name, 0) for step in steps) for name in names}
    series = [Series(name, names[name], "".join(shapes[name]), sums[name]) for name in names if sums[name]]
    hovers = [
        Hover(place * STEP, f"{time}: {_in_words(step, names)}")
        for place, (step, time) in enumerate(zip(steps, times, strict=True))
        if totals[place]
    ]
    return Chart(len(steps) * STEP, series, hovers, across, [f"{most:,.0f}", f"{most / 2:,.0f}", "0"])


def lines(
    values: Mapping[str, tuple[str, Sequence[float | None]]],
    times: Sequence[str],
    across: list[str],
    words: Callable[[float], str],
    *,
    whole: bool = False,
) -> Chart:
    """Lines made of steps, with gaps where there is no value: name → (label, values). ``words`` says a value.

    ``whole`` is for what is counted: the axis ends at a whole number.
    """
    known = [value for _label, series in values.values() for value in series if value is not None]
    most = round_up(max(known, default=0), whole=whole)
    series = [
        Series(name, label, _steps(found, most), max((value for value in found if value is not None), default=0))
        for name, (label, found) in values.items()
    ]
    hovers = []
    for place, time in enumerate(times):
        said = [f"{label} {words(value)}" for label, found in values.values() if (value := found[place]) is not None]
        if said:
            hovers.append(Hover(place * STEP, f"{time}: {', '.join(said)}"))
    return Chart(len(times) * STEP, series, hovers, across, [words(most), words(most / 2), words(0)])


def round_up(most: float, *, whole: bool = True) -> float:
    """The end of an axis for values up to ``most``: a round number, whose half is whole too where it is ``whole``."""
    if most <= 0:
        return 2 if whole else 1
    power = 10.0 ** math.floor(math.log10(most))
    ends = (power * step for step in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 20))
    return next(end for end in ends if end >= most * (1 - 1e-9) and (not whole or end % 2 == 0))


def seconds(value: float) -> str:
    """A time in words: "0.8 ms", "12 ms", "1.5 s"."""
    if value < 1:
        return f"{value * 1000:.2g} ms" if value * 1000 < 10 else f"{value * 1000:.0f} ms"
    return f"{value:.3g} s"


def clock(at: int, zone: zoneinfo.ZoneInfo, step: int) -> str:
    """The moment at which a step begins, as short as its length allows: "14:05", "Mon 14:00"."""
    moment = datetime.datetime.fromtimestamp(at / 1000, zone)
    return f"{moment:%H:%M}" if step < 3_600_000 else f"{moment:%a %H:%M}"


def across(starts: Sequence[int], zone: zoneinfo.ZoneInfo, step: int) -> list[str]:
    """Words for the axis of time: four moments at equal distances, and now."""
    quarters = [starts[len(starts) * part // 4] for part in range(4)]
    if step < 3_600_000:
        return [*(clock(at, zone, step) for at in quarters), "now"]
    days = (datetime.datetime.fromtimestamp(at / 1000, zone) for at in quarters)
    return [*(f"{day:%a} {day.day}" for day in days), "now"]


def _in_words(step: Mapping[K, int], names: Mapping[K, str]) -> str:
    return ", ".join(f"{names[name]} {step[name]:,}" for name in names if step.get(name))


def _steps(values: Sequence[float | None], most: float) -> str:
    """A path that stays level through each step, joined where neighbours both have a value."""
    path: list[str] = []
    drawing = False
    for place, value in enumerate(values):
        if value is None:
            drawing = False
            continue
        y = HEIGHT - HEIGHT * min(value / most, 1)
        path.append(f"V{y:.2f}" if drawing else f"M{place * STEP} {y:.2f}")
        path.append(f"H{(place + 1) * STEP}")
        drawing = True
    return "".join(path)
