"""A range of a recording: our server with session and rights, beside nginx, which only has the file."""

import shutil
from pathlib import Path
from typing import Any

from benchmarks.engine.serving import ROOT
from benchmarks.pages.answering import Doing
from benchmarks.pages.values import SERVERS, Line, Measure

NAME = "sound"
LINES = (
    Line("1 MiB range of a recording: to nginx", Measure(SERVERS, "range"), Measure(SERVERS, "range of nginx"), 8),
)
EXAMPLE = ROOT / "callcov_portal" / "examples" / "call1_payment.stereo.flac"
PART = range(512 * 1024, 1536 * 1024)
CONFIGURATION = """
user root; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 64; }}
http {{
    access_log off; sendfile on; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""
made: list[int] = []


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
    from benchmarks.pages.serving import Page, Server, web

    call = call_with_sound()
    address, cookie = f"/calls/{call.pk}/audio/", session_cookie(person())
    found: dict[str, Doing] = {"range": Page(web("callcov_portal.wsgi:application"), address, cookie, part=PART)}
    if nginx := shutil.which("nginx") or shutil.which("/usr/sbin/nginx"):
        stored = Path(default_storage.path(call.stored_name))
        server = Server("nginx", lambda port: nginx_command(nginx, stored.parent, port))
        found["range of nginx"] = Page(server, f"/{stored.name}", part=PART)
    return found


def nginx_command(nginx: str, folder: Path, port: int) -> list[str]:
    """Return the command of an nginx that serves a folder; its configuration is written there."""
    configuration = folder / "nginx.conf"
    configuration.write_text(CONFIGURATION.format(folder=folder, port=port, root=folder))
    return [nginx, "-c", str(configuration), "-p", str(folder), "-g", "daemon off;"]


def close() -> None:
    """Delete the call."""
    from callcov_portal.actions import shelving
    from callcov_portal.models import Recording

    for call in Recording.objects.filter(pk__in=made):
        call.delete()
        shelving.discard(call.stored_name)
