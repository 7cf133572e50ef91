"""A range of a recording: our server with session and rights, beside nginx, which only has the file."""

import shutil
import subprocess
import sys
import time
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from benchmarks.engine.serving import ROOT, free_port
from benchmarks.engine.usage import tree_usage
from benchmarks.pages.answering import Doing
from benchmarks.pages.values import SERVERS, Line, Measure

NAME = "sound"
LINES = (
    Line("1 MiB range of a recording: to nginx", Measure(SERVERS, "range"), Measure(SERVERS, "range of nginx"), 8),
)
EXAMPLE = ROOT / "callcov_portal" / "examples" / "call1_payment.stereo.flac"
RANGE = "bytes=524288-1572863"
AT_ONCE, LEAST = 100, 0.3  # requests at once, until they cost so many CPU seconds: the kernel counts in hundredths
CONFIGURATION = """
user root; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 64; }}
http {{
    access_log off; sendfile on; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""
running: list[subprocess.Popen[bytes]] = []
made: list[int] = []


class Server:
    """A server that is asked for a range again and again; its cost is the CPU of all its processes."""

    def __init__(self, command: list[str], port: int, path: str, cookie: str = "") -> None:
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=2)
        running.append(self.process)
        self.port, self.path, self.headers = port, path, {"Range": RANGE, "Cookie": cookie}
        self.wait()

    def wait(self) -> None:
        """Return when it answers."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with suppress(OSError):
                self.ask(1)
                return
            time.sleep(0.2)
        raise TimeoutError(f"{self.process.args!r} does not answer.")

    def ask(self, times: int) -> None:
        """Ask so many times, on one connection."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        for _ in range(times):
            connection.request("GET", self.path, headers=self.headers)
            answer = connection.getresponse()
            content = answer.read()
            if answer.status != 206 or len(content) != 1024 * 1024:
                raise ValueError(f"{self.path}: {answer.status}, {len(content)} bytes")
        connection.close()

    def cost(self, _times: int) -> float:
        """Return the CPU seconds of one range."""
        before, times = tree_usage(self.process.pid).cpu, 0
        while (used := tree_usage(self.process.pid).cpu - before) < LEAST:
            self.ask(AT_ONCE)
            times += AT_ONCE
        return used / times

    def __call__(self) -> None:
        """Ask once."""
        self.ask(1)


def call_with_sound() -> Any:
    """Write down a call with the example's sound."""
    from django.utils import timezone

    from callcov_portal.actions import shelving
    from callcov_portal.models import Agent, Recording
    from callcov_portal.uploads import incoming_folder

    copy = incoming_folder() / "benchmark.part"
    shutil.copyfile(EXAMPLE, copy)
    agent = Agent.objects.order_by("pk")[0].pk
    name = shelving.shelve(copy, "flac")
    call = Recording.objects.create(
        agent_id=agent, called_at=timezone.now(), file=name, mime="audio/flac", is_demo=True
    )
    made.append(call.pk)
    return call


def doings(place: str) -> dict[str, Doing]:
    """Return both servers; without nginx on this machine only ours."""
    if place != SERVERS:
        return {}
    from django.core.files.storage import default_storage

    from benchmarks.pages.asking import person, session_cookie

    call, port = call_with_sound(), free_port()
    granian = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
    options = ["--workers", "1", "--blocking-threads", "4", "--no-ws", "--no-access-log", "--log-level", "error"]
    command = [*granian, *options, "callcov_portal.wsgi:application"]
    found: dict[str, Doing] = {"range": Server(command, port, f"/calls/{call.pk}/audio/", session_cookie(person()))}
    if nginx := shutil.which("nginx") or shutil.which("/usr/sbin/nginx"):
        stored = Path(default_storage.path(call.stored_name))
        folder, other = stored.parent, free_port()
        configuration = Path(folder) / "nginx.conf"
        configuration.write_text(CONFIGURATION.format(folder=folder, port=other, root=folder))
        plain = [nginx, "-c", str(configuration), "-p", str(folder), "-g", "daemon off;"]
        found["range of nginx"] = Server(plain, other, f"/{stored.name}")
    return found


def close() -> None:
    """Stop the servers and delete the call."""
    from callcov_portal.actions import shelving
    from callcov_portal.models import Recording

    for process in running:
        process.terminate()
        process.wait(timeout=30)
    for call in Recording.objects.filter(pk__in=made):
        call.delete()
        shelving.discard(call.stored_name)
