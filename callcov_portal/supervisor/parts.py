"""Which parts there are, and the commands that run them."""

import os
import socket
import sys
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings

from callcov_portal import pulse
from callcov_portal.supervisor.child import Part
from callcov_portal.supervisor.ears import Ear, FileEar, HttpEar, PulseEar

NAMES = ("web", "worker", "beat", "engine", "engine-worker", "watch")
ENGINE_NAMES = ("engine", "engine-worker")
THREADS = 4
# A request whose body never comes holds a thread, and no server ends it: so many may stall before anybody waits.
REQUESTS = 128
# In a container root is nobody special, and messages are JSON: the warning is about pickled ones.
AS_ROOT = "ignore:You're running the worker with superuser privileges"
SCHEDULER = "callcov_portal.pulse:TickingScheduler"


def build(names: Iterable[str]) -> list[Part]:
    """Return the parts for `names` of NAMES; engine-worker becomes CALLCOV_ENGINE_WORKERS of them.

    The beat rides inside the worker where both are wanted, and always inside the engine's workers: sweeping twice is
    harmless, and one process less is 100 MB less.
    """
    wanted = set(names)
    parts = []
    if "engine" in wanted:
        parts.append(
            _web("engine", "callcov_portal.engine.wsgi:application", "127.0.0.1", settings.CALLCOV_ENGINE_PORT)
        )
    if "web" in wanted:
        parts.append(_web("web", "callcov_portal.wsgi:application", settings.CALLCOV_BIND, settings.CALLCOV_PORT))
    if "worker" in wanted:
        parts.append(_worker("worker", "portal", beat="beat" in wanted))
    elif "beat" in wanted:
        parts.append(_beat())
    if "engine-worker" in wanted:
        numbers = range(1, settings.CALLCOV_ENGINE_WORKERS + 1)
        parts += [_worker(f"engine-worker-{number}", "engine", beat=True) for number in numbers]
    if "watch" in wanted:
        parts.append(_watch())
    return parts


def reachable(bind: str) -> str:
    """Return an address of this machine at which a server bound to `bind` answers."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "[::]": "::1"}.get(bind, bind)  # noqa: S104  compared, not bound


def _environment(role: str, pulse_name: str = "") -> dict[str, str]:
    # The package must be found from any working directory, and a relative data folder must stay the same one.
    paths = [str(settings.BASE_DIR), os.environ.get("PYTHONPATH", "")]
    return {
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "DJANGO_SETTINGS_MODULE": "callcov_portal.settings",
        "CALLCOV_DATA_DIR": str(settings.CALLCOV_DATA_DIR),
        "CALLCOV_ROLE": role,
        "CALLCOV_PULSE": pulse_name,
        "CALLCOV_SUPERVISED": "1",
    }


def web_server(target: str, bind: str, port: int) -> tuple[str, ...]:
    """Return the command of a web server: the portal's and the engine's differ in nothing but what they serve."""
    return (
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--host", bind, "--port", str(port)),
        *("--workers", "1", "--blocking-threads", str(REQUESTS), "--no-ws", "--no-access-log", "--log-level", "error"),
        # A worker that dies is replaced by granian itself; if that fails, granian ends and the supervisor sees it.
        *("--respawn-failed-workers", "--workers-kill-timeout", "5", target),
    )


def _web(name: str, target: str, bind: str, port: int) -> Part:
    role = "engine" if name == "engine" else "portal"
    ear = HttpEar(reachable(bind), port, "/health")
    return Part(name, web_server(target, bind, port), _environment(role), (ear,))


def _worker(name: str, role: str, *, beat: bool) -> Part:
    node = _node(name)
    argv = (
        *(sys.executable, "-W", AS_ROOT, "-m", "celery", "--app", "callcov_portal", "--quiet", "worker"),
        *("--hostname", node),
        *("--pool", "threads", "--concurrency", str(THREADS), "--queues", role, "--loglevel", "INFO"),
        *("--without-gossip", "--without-mingle"),
        *(("--beat", "--scheduler", SCHEDULER) if beat else ()),
    )
    ears: list[Ear] = [PulseEar(_run_file(f"{node}.pulse"), lambda: pulse.send(node), threads=THREADS)]
    if beat:
        ears.append(FileEar(_run_file(f"{node}.tick")))
    return Part(name, argv, _environment(role, node), tuple(ears))


def _beat() -> Part:
    node = _node("beat")
    argv = (
        *(sys.executable, "-m", "celery", "--app", "callcov_portal", "--quiet", "beat"),
        *("--scheduler", SCHEDULER, "--pidfile", "", "--loglevel", "INFO"),
    )
    return Part("beat", argv, _environment("portal", node), (FileEar(_run_file(f"{node}.tick")),))


def _watch() -> Part:
    # Nothing asks whether it hears: a share may hang for minutes over a large file. The status page says when it looked.
    return Part("watch", (sys.executable, "-m", "django", "watch"), _environment("portal"))


def demo() -> Part:
    """Return the part that adds the example calls once the web server answers, and ends."""
    argv = (sys.executable, "-m", "django", "demo", "--wait", "120")
    return Part("demo", argv, _environment("portal"), once=True)


def _node(name: str) -> str:
    # The host in the name keeps containers apart that share a data folder or a broker.
    return f"{name}@{socket.gethostname()}"


def _run_file(name: str) -> Path:
    path = pulse.run_file(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
