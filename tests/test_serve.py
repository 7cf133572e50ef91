"""`manage.py serve`: what it starts, what it refuses, and the real group once."""

import os
import socket
from io import StringIO
from types import SimpleNamespace

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from callcov_portal import pulse
from callcov_portal.celery import app
from callcov_portal.management.commands import serve
from callcov_portal.supervisor import parts
from callcov_portal.supervisor.group import GaveUp
from tests.running import free_port

EVERYWHERE = "0.0.0.0"  # noqa: S104  a setting, nothing is bound to it


@pytest.fixture
def started(monkeypatch):
    """Groups that `serve` would run, in place of running them."""
    groups = []

    class Group:
        def __init__(self, group, *, say, on_ready):
            groups.append([part.name for part in group])
            self.on_ready = on_ready

        def run(self):
            self.on_ready()

    monkeypatch.setattr(serve, "Group", Group)
    monkeypatch.setattr("callcov_portal.management.commands.serve.connections.close_all", lambda: None)
    monkeypatch.setattr(serve, "PATIENCE", 0.3)
    return groups


@pytest.fixture
def ports(settings):
    settings.CALLCOV_PORT, settings.CALLCOV_ENGINE_PORT = free_port(), free_port()
    settings.CALLCOV_API_URL = f"http://127.0.0.1:{settings.CALLCOV_ENGINE_PORT}/api/v1"


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("serve", "--no-setup", *arguments, stdout=out)
    return out.getvalue()


def test_the_whole_group_is_web_worker_engine_and_engine_workers(started, ports, settings):
    settings.CALLCOV_ENGINE_WORKERS = 2
    said = run()
    assert started == [["engine", "web", "worker", "engine-worker-1", "engine-worker-2"]]
    assert f"Open http://127.0.0.1:{settings.CALLCOV_PORT}/" in said
    assert f"Embedded engine: on, at {settings.CALLCOV_API_URL}" in said


def test_a_folder_that_is_set_is_watched_and_without_one_nothing_is(started, ports, settings):
    with pytest.raises(CommandError, match="watch cannot run: set CALLCOV_WATCH_FOLDER"):
        run("--only", "watch")
    settings.CALLCOV_WATCH_FOLDER = "/calls"
    run()
    assert started == [["engine", "web", "worker", "engine-worker-1", "watch"]]


def test_with_an_external_api_the_engine_is_left_off(started, ports, settings):
    settings.CALLCOV_EMBEDDED = False
    settings.CALLCOV_API_URL = "https://api.example/api/v1"
    assert "Embedded engine: off (API: https://api.example/api/v1)" in run()
    assert started == [["web", "worker"]]
    with pytest.raises(CommandError, match="engine-worker cannot run: CALLCOV_API_URL names another API"):
        run("--only", "web,engine-worker")


@pytest.mark.parametrize("name", parts.NAMES)
def test_every_part_can_run_alone(started, ports, name, settings):
    settings.CALLCOV_WATCH_FOLDER = "/calls"
    said = run("--only", name)
    assert started == [["engine-worker-1" if name == "engine-worker" else name]]
    assert ("Open http" in said) == (name == "web")
    assert "Embedded engine: on" not in said


@pytest.mark.parametrize(("only", "why"), [("web,wrker", "There is no part 'wrker'"), (" , ", "--only names no part")])
def test_a_part_that_does_not_exist_is_refused_by_name(started, only, why):
    with pytest.raises(CommandError, match=f"{why}; choose from web, worker, beat, engine, engine-worker"):
        run("--only", only)


def test_the_demo_is_one_more_part_and_needs_the_web_part(started, ports):
    run("--demo", "--only", "web")
    assert started == [["web", "demo"]]
    with pytest.raises(CommandError, match="--demo needs the web part"):
        run("--demo", "--only", "worker")


@pytest.mark.parametrize(("part", "setting"), [("web", "CALLCOV_PORT"), ("engine", "CALLCOV_ENGINE_PORT")])
def test_a_taken_port_is_named_with_the_setting_that_changes_it(started, ports, settings, part, setting):
    port = getattr(settings, setting)
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", port))
        holder.listen()
        with pytest.raises(
            CommandError, match=rf"{part} cannot start on 127.0.0.1:{port}: address already in use\. {setting} "
        ):
            run()
    assert started == []


def test_a_port_that_is_given_back_meanwhile_is_waited_for(started, ports, settings, monkeypatch):
    answers = ["address already in use", None, None]
    monkeypatch.setattr(serve, "why_not", lambda bind, port: answers.pop(0))
    run("--only", "web")
    assert started == [["web"]]


def test_an_address_of_another_machine_is_refused_with_the_reason():
    assert serve.why_not("192.0.2.1", 8000) == "cannot assign requested address"
    assert serve.why_not("no such host", 8000)
    assert serve.why_not("[::1]", free_port()) is None


def test_a_second_serve_of_the_same_data_folder_is_refused_by_process(started, ports):
    with serve.lock_of("web"), pytest.raises(CommandError, match=f"Process {os.getpid()} already runs web on the data"):
        run("--only", "web")
    run("--only", "web")
    assert started == [["web"]]


def test_what_makes_the_group_give_up_ends_serve_with_that_cause(started, ports, monkeypatch):
    def give_up(self):
        raise GaveUp("worker died 5 times")

    monkeypatch.setattr("callcov_portal.management.commands.serve.Group.run", give_up)
    with pytest.raises(CommandError, match="worker died 5 times"):
        run()


def test_setup_runs_first_unless_it_is_left_out(started, ports, monkeypatch):
    called = []
    monkeypatch.setattr(serve, "call_command", lambda name, **_: called.append(name))
    run()
    assert called == []
    call_command("serve", stdout=StringIO())
    assert called == ["setup"]


def test_the_address_to_open_is_the_public_one_or_one_that_answers(settings):
    settings.CALLCOV_PORT, settings.CALLCOV_BIND = 8000, EVERYWHERE
    assert "Open http://127.0.0.1:8000/" in serve.welcome(("web",))
    settings.CALLCOV_BIND = "::"
    assert "Open http://[::1]:8000/" in serve.welcome(("web",))
    settings.CALLCOV_PUBLIC_URL = "https://qa.example"
    assert "Open https://qa.example/" in serve.welcome(("web",))


def test_the_beat_rides_in_the_worker_where_both_are_wanted_and_runs_alone_otherwise():
    whole = {part.name: part for part in parts.build(parts.NAMES)}
    alone = {part.name: part for part in [*parts.build(["worker"]), *parts.build(["beat"])]}
    assert "--beat" in whole["worker"].argv
    assert "beat" not in whole
    assert "--beat" in whole["engine-worker-1"].argv
    assert "--beat" not in alone["worker"].argv
    assert len(alone["worker"].ears) == len(alone["beat"].ears) == 1


def test_parts_know_their_role_and_the_data_folder(settings):
    whole = {part.name: part for part in [*parts.build(parts.NAMES), parts.demo()]}
    roles = {name: part.env["CALLCOV_ROLE"] for name, part in whole.items()}
    assert roles == {
        "engine": "engine",
        "web": "portal",
        "worker": "portal",
        "engine-worker-1": "engine",
        "demo": "portal",
        "watch": "portal",
    }
    assert {part.env["CALLCOV_DATA_DIR"] for part in whole.values()} == {str(settings.CALLCOV_DATA_DIR)}
    assert whole["worker"].env["CALLCOV_PULSE"] == f"worker@{socket.gethostname()}"


def test_the_engine_listens_on_this_machine_alone_wherever_the_portal_does(settings):
    settings.CALLCOV_BIND = EVERYWHERE
    hosts = {part.name: part.argv[part.argv.index("--host") + 1] for part in parts.build(["web", "engine"])}
    assert hosts == {"web": EVERYWHERE, "engine": "127.0.0.1"}


@pytest.fixture
def pulse_name(monkeypatch, settings):
    (settings.CALLCOV_DATA_DIR / "run").mkdir()
    monkeypatch.setenv("CALLCOV_PULSE", "worker@here")
    monkeypatch.setattr(pulse, "running", 0)


def test_every_task_of_a_worker_rewrites_its_pulse_with_the_number_running(pulse_name):
    file = pulse.run_file("worker@here.pulse")
    pulse.task_starts()
    pulse.task_starts()
    assert file.read_text() == "2\n"
    pulse.task_ends()
    assert file.read_text() == "1\n"
    pulse.task_ends()
    pulse.task_ends()
    assert file.read_text() == "0\n"


class Queues(list):
    """The queues a worker consumes, as `listen` sees them."""

    select_add = list.append


def worker_with(queues: Queues) -> SimpleNamespace:
    return SimpleNamespace(app=SimpleNamespace(amqp=SimpleNamespace(queues=queues)))


def test_without_a_supervisor_there_is_no_pulse(pulse_name, monkeypatch, settings):
    monkeypatch.delenv("CALLCOV_PULSE")
    pulse.count(+1)
    pulse.listen(instance=worker_with(queues := Queues()))
    assert list((settings.CALLCOV_DATA_DIR / "run").iterdir()) == []
    assert queues == []


def test_a_worker_of_serve_consumes_its_private_queue_too(pulse_name):
    pulse.listen(instance=worker_with(queues := Queues()))
    assert [queue.name for queue in queues] == ["pulse-worker@here"]


def test_a_pulse_goes_to_the_private_queue_of_that_worker_and_is_soon_worthless():
    pulse.send("worker@here")
    with app.connection_for_read() as connection:
        message = pulse.queue("worker@here")(connection.default_channel).get(no_ack=True)
    assert message is not None
    assert message.headers["task"] == "callcov_portal.pulse.pulse"
    assert message.headers["expires"]
    assert pulse.pulse() is None


def test_the_beat_shows_that_it_ticks(pulse_name, monkeypatch):
    file = pulse.run_file("worker@here.tick")
    scheduler = pulse.TickingScheduler(app=app, lazy=True)
    scheduler.tick()
    assert file.exists()
    file.unlink()
    monkeypatch.delenv("CALLCOV_PULSE")
    scheduler.tick()
    assert not file.exists()


def test_only_under_a_supervisor_does_the_embedded_beat_die_with_its_worker(monkeypatch):
    tied = []
    monkeypatch.setattr(pulse, "die_with_parent", lambda: tied.append(True))
    monkeypatch.delenv("CALLCOV_SUPERVISED", raising=False)
    pulse.beat_dies_with_its_worker()
    assert tied == []
    monkeypatch.setenv("CALLCOV_SUPERVISED", "1")
    pulse.beat_dies_with_its_worker()
    assert tied == [True]
