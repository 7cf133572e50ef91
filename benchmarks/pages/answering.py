"""The other end of `process`: reads requests, does things, answers with their CPU. The standard library alone.

A peer with an environment of its own runs this as well.
"""

import json
import resource
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any, TextIO

LEAST = 0.05  # CPU seconds of one go, so that the clock's grain does not count
LONG = 2.0  # CPU seconds of what need not be tried a second time
MOST_TIMES = 200
Doing = Callable[[], object]


def cpu() -> float:
    """Return the CPU seconds that this process has used."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def cost_of(doing: Doing, times: int) -> float:
    """Return the CPU seconds of doing something once, on the average of so many times.

    What has a `prepare` is told before how often it will be done; what has a `cost` measures itself, and what is `once` is
    measured in the first round alone.
    """
    if hasattr(doing, "cost"):
        return float(doing.cost(times))
    if hasattr(doing, "prepare"):
        doing.prepare(times)
    before = cpu()
    for _ in range(times):
        doing()
    return (cpu() - before) / times


def times_for(cost: float) -> int:
    """Return how often something of this cost is done in one go."""
    return max(1, min(MOST_TIMES, round(LEAST / max(cost, 1e-6))))


def serve(doings: Mapping[str, Doing], requests: TextIO = sys.stdin, answers: TextIO = sys.stdout) -> None:
    """Answer requests until there are none: `{"do": name}` with the CPU seconds, `{"tell": name}` with what it returns."""
    times: dict[str, int] = {}
    for line in requests:
        try:
            answer = answer_to(json.loads(line), doings, times)
        except Exception:  # noqa: BLE001  the asker is told, whatever it was
            answer = {"error": traceback.format_exc()}
        print(json.dumps(answer), file=answers, flush=True)


def answer_to(request: Mapping[str, Any], doings: Mapping[str, Doing], times: dict[str, int]) -> dict[str, Any]:
    """Do what one request asks for. The first time it is done twice before, to warm up and to see how long it takes."""
    if "tell" in request:
        return {"told": doings[request["tell"]]()}
    name = request["do"]
    doing = doings[name]
    if getattr(doing, "once", False):
        return {"cpu": cost_of(doing, 1), "once": True}
    if name not in times:
        first = cost_of(doing, 1)
        times[name] = 1 if first > LONG else times_for(cost_of(doing, 1))
    return {"cpu": cost_of(doing, times[name])}
