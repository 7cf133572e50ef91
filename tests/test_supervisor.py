"""The supervisor with tiny children in place of servers and workers."""

import importlib
import io
import os
import signal
import subprocess
import sys
import time
import types
from contextlib import contextmanager

import pytest

from callcov_portal import launch
from callcov_portal.supervisor import keeper
from callcov_portal.supervisor.child import Child, Part
from callcov_portal.supervisor.ears import FileEar, HttpEar, PulseEar
from callcov_portal.supervisor.group import GaveUp, Group, in_words
from tests.running import alive, until

SLEEPER = (sys.executable, "-S", "-c", "import time; time.sleep(60)")
STUBBORN = (
    "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
)


class Said(list):
    def __call__(self, text: str) -> None:
        self.append(text)


class Answer:
    """An ear with a fixed answer."""

    def __init__(self, answer):
        self.answer = answer

    def ask(self):
        return self.answer


@contextmanager
def ticking(*parts: Part, **options):
    """A group whose ticks the test makes itself."""
    said = Said()
    group = Group(parts, say=said, **{"stop_seconds": 3.0, **options})
    try:
        yield group, said
    finally:
        group.stop()


def tick_until(group: Group, true, seconds=10.0):
    def step():
        group.tick()
        return true()

    return until(step, seconds)


def python(code: str, **kwargs) -> Part:
    return Part(kwargs.pop("name", "part"), (sys.executable, "-S", "-c", code), **kwargs)


def test_a_killed_part_is_restarted_and_the_rest_left_alone():
    with ticking(Part("one", SLEEPER), Part("two", SLEEPER)) as (group, said):
        group.tick()
        one, two = group.children
        first, other = one.group, two.group
        os.kill(first, signal.SIGKILL)
        tick_until(group, lambda: one.running and one.group != first)
        assert two.group == other
        assert said == ["one was ended by SIGKILL; it is restarted."]


def test_a_part_is_told_its_environment_and_has_its_own_process_group(tmp_path):
    file = tmp_path / "facts"
    code = f"import os, time; open({str(file)!r}, 'w').write(f\"{{os.environ['WORD']}} {{os.getpgrp() == os.getpid()}}\"); time.sleep(60)"
    with ticking(python(code, env={"WORD": "hello"})) as (group, _):
        group.tick()
        until(lambda: file.exists() and file.read_text() == "hello True")


def test_what_a_dead_part_left_in_its_group_is_ended_before_the_restart(tmp_path):
    file = tmp_path / "grandchild"
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(file)!r}, 'w').write(str(child.pid) + '.')\n"
        "time.sleep(60)"
    )
    with ticking(python(code)) as (group, _):
        group.tick()
        pid = int(until(lambda: file.exists() and file.read_text().endswith(".") and file.read_text())[:-1])
        assert alive(pid)
        os.kill(group.children[0].group, signal.SIGKILL)
        tick_until(group, lambda: not group.children[0].running)
        until(lambda: not alive(pid))


def test_stopping_asks_first_and_kills_what_does_not_stop_in_time():
    with ticking(python(STUBBORN, name="stubborn"), Part("polite", SLEEPER), stop_seconds=0.5) as (group, said):
        group.tick()
        pids = [child.group for child in group.children]
        time.sleep(0.3)  # until the stubborn one has closed its ears
        began = time.monotonic()
        group.stop()
        assert time.monotonic() - began < 3
        assert not any(alive(pid) for pid in pids)
        assert said == ["stubborn did not stop in time; it was killed."]


def test_a_second_request_to_stop_does_not_wait():
    with ticking(python(STUBBORN), stop_seconds=60.0) as (group, _):
        group.tick()
        time.sleep(0.3)
        group.stops_asked = 2
        began = time.monotonic()
        group.stop()
        assert time.monotonic() - began < 5


def test_a_part_that_ends_while_starting_makes_the_group_give_up_by_name():
    part = python("import sys; sys.exit(3)", name="engine", ears=(Answer(False),))
    cause = r"engine could not start: it ended with exit status 3"
    with ticking(part, Part("other", SLEEPER)) as (group, _), pytest.raises(GaveUp, match=cause):
        tick_until(group, lambda: False)


def test_a_part_that_dies_five_times_in_a_minute_makes_the_group_give_up_by_name():
    clock = [1000.0]
    part = python("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", name="worker")

    def faster():
        clock[0] += 0.2
        return False

    with ticking(part, clock=lambda: clock[0]) as (group, said):
        with pytest.raises(GaveUp, match=r"worker died 5 times within 60 seconds, last time it was ended by SIGKILL"):
            tick_until(group, faster)
        assert len(said) == 4


def test_deaths_far_apart_are_forgotten_and_pauses_grow_while_they_are_not():
    child = Child(Part("part", ()))
    pauses = []
    for now in (0.0, 1.0, 3.0, 7.0):
        child.started_at = now
        child.died(now)
        pauses.append((child.start_again_at or 0) - now)
    assert pauses == [0.5, 1.0, 2.0, 4.0]
    child.died(7.0 + 61)
    assert child.start_again_at == 7.0 + 61.5
    assert not child.dies_too_often(7.0 + 61)


def test_a_deaf_part_is_restarted_after_ninety_seconds_of_silence():
    ear = Answer(True)
    with ticking(Part("worker", SLEEPER, ears=(ear,))) as (group, said):
        group.tick()
        child = group.children[0]
        until(lambda: child.heard)
        first, ear.answer = child.group, False
        for _ in range(7):
            child.look(child.last_look + 15.0)
        child.last_look += 3600  # the real listener has nothing to ask for now
        assert child.is_deaf()
        tick_until(group, lambda: child.running and child.group != first)
        assert said == ["worker does not answer any more; it is restarted."]
        assert child.silence == [0.0]


def test_silence_while_the_supervisor_itself_slept_is_not_deafness():
    child = Child(Part("web", SLEEPER, ears=(Answer(False),)))
    child.look(3600.0)
    assert child.silence == [15.0]
    assert not child.is_deaf()


def test_an_ear_that_cannot_tell_blames_nobody():
    ear = Answer(False)
    child = Child(Part("worker", SLEEPER, ears=(ear,)))
    child.look(15.0)
    ear.answer = None
    child.look(30.0)
    assert child.silence == [0.0]
    assert not child.heard


def test_the_group_says_once_when_every_part_has_been_heard():
    ready = Said()
    first, second = Answer(True), Answer(False)
    parts = [Part("one", SLEEPER, ears=(first,)), Part("two", SLEEPER, ears=(second,)), Part("three", SLEEPER)]
    with ticking(*parts, on_ready=lambda: ready("ready")) as (group, _):
        group.tick()
        until(lambda: group.children[0].heard)
        group.tick()
        assert ready == []
        second.answer = True
        tick_until(group, lambda: ready)
        group.tick()
        assert ready == ["ready"]


@pytest.mark.parametrize(("status", "said"), [(0, []), (4, ["demo ended with exit status 4; see the lines above."])])
def test_a_part_that_runs_once_is_not_restarted(status, said):
    with ticking(python(f"import sys; sys.exit({status})", name="demo", once=True)) as (group, heard):
        group.tick()
        tick_until(group, lambda: not group.children[0].running)
        group.tick()
        assert not group.children[0].running
        assert heard == said


def test_a_killed_keeper_is_replaced_and_knows_everything_again():
    with ticking(Part("one", SLEEPER)) as (group, _):
        group.tick()
        first = group.keeper
        first.kill()
        first.wait()
        group._will("+1234567")  # a line into a broken pipe is no error
        tick_until(group, lambda: group.keeper is not first)
        pid = group.children[0].group
        group.keeper.stdin.close()
        group.keeper.wait()
        group.keeper = None
        until(lambda: not alive(pid))


def test_run_stops_on_a_signal_and_puts_the_old_handlers_back():
    before = signal.getsignal(signal.SIGTERM)
    group = Group(
        [Part("one", SLEEPER, ears=(Answer(True),))], say=Said(), on_ready=lambda: signal.raise_signal(signal.SIGTERM)
    )
    group.run()
    assert group.stops_asked == 1
    assert not group.children[0].running
    assert signal.getsignal(signal.SIGTERM) is before


def test_nothing_survives_a_kill_of_the_supervisor(tmp_path):
    file = tmp_path / "pids"
    code = (
        "import os, subprocess, sys, time\n"
        "grandchild = subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(file)!r}, 'w').write(f'{{os.getpid()}} {{grandchild.pid}} .')\n"
        "time.sleep(60)"
    )
    script = (
        "import sys\n"
        "from callcov_portal.supervisor.child import Part\n"
        "from callcov_portal.supervisor.group import Group\n"
        f"Group([Part('one', (sys.executable, '-S', '-c', {code!r}))], say=print).run()"
    )
    supervisor = subprocess.Popen([sys.executable, "-c", script])
    try:
        *pids, _ = until(lambda: file.exists() and file.read_text().endswith(".") and file.read_text()).split()
    finally:
        supervisor.kill()
        supervisor.wait()
    until(lambda: not any(alive(int(pid)) for pid in pids))


def test_a_part_whose_supervisor_is_gone_does_not_start():
    ended = subprocess.run([sys.executable, launch.__file__, "1", "true"], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "The supervisor is gone." in ended.stderr


def test_the_keeper_remembers_what_was_added_and_not_removed():
    lines = ["+10\n", "+11\n", "-10\n", "garbage\n", "+x\n", "+1\n", "+0\n", "+-5\n", "+12"]
    assert keeper.left_behind(lines) == {11, 12}


def test_the_keeper_ends_the_groups_that_are_left_and_minds_no_missing_one():
    sleeper = subprocess.Popen(SLEEPER, process_group=0)
    text = f"+{sleeper.pid}\n+999999999\n"
    subprocess.run([sys.executable, keeper.__file__], input=text, text=True, check=True)
    assert sleeper.wait(timeout=10) == -signal.SIGKILL


def test_the_keeper_is_deaf_to_signals_and_ends_groups_at_the_end_of_its_input(monkeypatch):
    ignored, killed = [], []

    def kill(group, number):
        killed.append((group, number))
        if group == 43:
            raise ProcessLookupError

    monkeypatch.setattr("callcov_portal.supervisor.keeper.signal.signal", lambda *arguments: ignored.append(arguments))
    monkeypatch.setattr("callcov_portal.supervisor.keeper.sys.stdin", io.StringIO("+41\n+42\n-41\n+43\n+44\n"))
    monkeypatch.setattr("callcov_portal.supervisor.keeper.os.killpg", kill)
    keeper.main()
    assert ignored == [(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    assert sorted(killed) == [(42, signal.SIGKILL), (43, signal.SIGKILL), (44, signal.SIGKILL)]


@pytest.mark.parametrize("module", ["callcov_portal.wsgi", "callcov_portal.engine.wsgi"])
@pytest.mark.parametrize("supervised", [True, False])
def test_a_web_process_is_tied_to_its_server_under_a_supervisor_only(monkeypatch, module, supervised):
    tied = []
    monkeypatch.setenv("CALLCOV_ROLE", "portal")  # the engine's module changes it
    monkeypatch.delenv("CALLCOV_SUPERVISED", raising=False)
    if supervised:
        monkeypatch.setenv("CALLCOV_SUPERVISED", "1")
    monkeypatch.setattr(launch, "die_with_parent", lambda: tied.append(True))
    monkeypatch.delitem(sys.modules, module, raising=False)
    assert callable(importlib.import_module(module).application)
    assert tied == [True] * supervised


def test_a_part_is_tied_to_its_supervisor_and_then_becomes_its_command(monkeypatch):
    asked, became = [], []
    library = types.SimpleNamespace(prctl=lambda *arguments: asked.append(arguments))
    monkeypatch.setattr("callcov_portal.launch.ctypes.CDLL", lambda *_, **__: library)
    monkeypatch.setattr("callcov_portal.launch.os.execvp", lambda *arguments: became.append(arguments))
    monkeypatch.setattr("callcov_portal.launch.sys.argv", ["launch.py", str(os.getppid()), "granian", "app"])
    launch.main()
    assert asked == [(launch.PR_SET_PDEATHSIG, signal.SIGKILL)]
    assert became == [("granian", ["granian", "app"])]


def test_a_part_of_a_supervisor_that_went_meanwhile_ends(monkeypatch):
    monkeypatch.setattr("callcov_portal.launch.ctypes.CDLL", lambda *_, **__: types.SimpleNamespace(prctl=print))
    with pytest.raises(SystemExit, match="supervisor is gone"):
        launch.die_with_parent(1)


def test_where_the_kernel_knows_no_such_tie_nothing_is_asked(monkeypatch):
    monkeypatch.setattr("callcov_portal.launch.sys.platform", "darwin")
    monkeypatch.setattr("callcov_portal.launch.ctypes.CDLL", lambda *_, **__: pytest.fail("asked"))
    launch.die_with_parent(1)


def test_as_first_process_of_a_container_the_supervisor_buries_orphans(monkeypatch):
    with ticking(Part("one", SLEEPER)) as (group, _):
        group.tick()
        stranger = subprocess.Popen([sys.executable, "-S", "-c", ""])
        os.waitid(os.P_PID, stranger.pid, os.WEXITED | os.WNOWAIT)
        monkeypatch.setattr("callcov_portal.supervisor.group.os.getpid", lambda: 1)
        group.tick()
        monkeypatch.undo()
        with pytest.raises(ChildProcessError):
            os.waitpid(stranger.pid, os.WNOHANG)
        stranger.returncode = 0
        assert group.children[0].running


def test_how_a_process_ended_is_said_in_words():
    assert in_words(2) == "ended with exit status 2"
    assert in_words(-15) == "was ended by SIGTERM"


def test_any_http_answer_is_a_sign_of_life_and_none_is_silence():
    import http.server
    import threading

    class Refuses(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_error(503)

        def log_message(self, *args):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Refuses) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_address[1]
        assert HttpEar("127.0.0.1", port, "/health").ask() is True
        server.shutdown()
    assert HttpEar("127.0.0.1", port, "/health", timeout=1).ask() is False


def test_a_file_ear_hears_changes_only(tmp_path):
    file = tmp_path / "tick"
    ear = FileEar(file)
    assert ear.ask() is False
    file.write_text("tick")
    assert ear.ask() is True
    assert ear.ask() is False
    os.utime(file, (1, 1))  # a clock that went backwards is a change as well
    assert ear.ask() is True
    file.write_bytes(b"\xff")
    assert ear.ask() is True


def test_a_pulse_ear_asks_and_hears_the_answer(tmp_path):
    file = tmp_path / "pulse"
    asked = Said()
    ear = PulseEar(file, lambda: asked("?"), threads=4)
    assert ear.ask() is False
    file.write_text("0\n")
    assert ear.ask() is True
    assert ear.ask() is False
    assert len(asked) == 3


def test_a_busy_worker_and_an_absent_broker_are_not_deafness(tmp_path):
    file = tmp_path / "pulse"
    ear = PulseEar(file, lambda: None, threads=4)
    file.write_text("4\n")
    assert [ear.ask(), ear.ask()] == [True, None]

    def away():
        raise ConnectionError

    ear = PulseEar(file, away, threads=4)
    file.write_text("0\n")
    assert [ear.ask(), ear.ask()] == [True, None]
