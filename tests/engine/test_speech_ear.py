"""The recogniser child is started, questioned, killed and started again; it never outlives its parent."""

import math
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from callcov_portal.engine.speech import ear as ear_module
from callcov_portal.engine.speech.ear import Ear, listener
from callcov_portal.engine.speech.transcript import Cancelled, ModelUnusable, SpeechError

# A child that does as it is told, instead of one that listens.
PUPPET = """
import json, os, sys, time
print('{"ready": true}', flush=True)
for line in sys.stdin:
    order = json.loads(line)
    say = lambda said: print(json.dumps(said), flush=True)
    if order["do"] == "answer":
        say({"stage": "recognising", "fraction": 0.5}); say({"answer": {"pid": os.getpid(), **order}})
    elif order["do"] == "fail": say({"failed": "It went wrong."})
    elif order["do"] == "crash": os.kill(os.getpid(), 11)
    elif order["do"] == "leave": sys.exit("I had enough")
    elif order["do"] == "quietly leave": os._exit(3)
    elif order["do"] == "hang": time.sleep(600)
    elif order["do"] == "tell":
        for n in range(5): time.sleep(0.5); say({"stage": "recognising", "fraction": n / 5})
        say({"answer": {"ok": True}})
"""


@pytest.fixture
def ear():
    puppet = Ear([sys.executable, "-c", PUPPET], dict(os.environ))
    yield puppet
    puppet.close()


def ask(ear, do, seconds=20.0, cancelled=lambda: False, told=lambda news: None, quiet=math.inf, **more):
    return ear.ask({"do": do, **more}, told=told, cancelled=cancelled, seconds=seconds, quiet=quiet)


def gone(pid):
    return not Path(f"/proc/{pid}").exists()


def test_one_child_answers_many_questions_and_tells_how_far_it_is(ear):
    news: list[dict] = []
    first = ask(ear, "answer", told=news.append)
    assert ask(ear, "answer", what=2)["pid"] == first["pid"]
    assert news == [{"stage": "recognising", "fraction": 0.5}]


@pytest.mark.parametrize(
    ("do", "sentence"),
    [
        ("fail", "It went wrong."),
        ("crash", "crashed or ran out of memory"),
        ("leave", "ended unexpectedly: I had enough"),
        ("quietly leave", "ended unexpectedly: status 3"),
    ],
)
def test_trouble_is_told_and_the_next_question_finds_a_new_child(ear, do, sentence):
    before = ask(ear, "answer")["pid"]
    with pytest.raises(SpeechError, match=sentence) as trouble:
        ask(ear, do)
    assert not isinstance(trouble.value, ModelUnusable)
    assert gone(before)
    assert ask(ear, "answer")["pid"] != before


def test_a_child_that_takes_too_long_is_killed(ear):
    before = ask(ear, "answer")["pid"]
    with pytest.raises(SpeechError, match="took longer than allowed"):
        ask(ear, "hang", seconds=0.3)
    assert gone(before)


def test_a_child_that_says_nothing_more_is_killed_long_before_its_time_is_up(ear):
    before = ask(ear, "answer")["pid"]
    with pytest.raises(SpeechError, match="hung"):
        ask(ear, "hang", seconds=600, quiet=0.3)
    assert gone(before)


def test_a_child_that_keeps_telling_may_take_its_time(ear):
    news: list[dict] = []
    assert ask(ear, "tell", told=news.append, quiet=2.0)["ok"]
    assert len(news) == 5


def test_a_cancelled_question_kills_the_child_at_once(ear):
    before = ask(ear, "answer")["pid"]
    began = time.monotonic()
    with pytest.raises(Cancelled):
        ask(ear, "hang", cancelled=lambda: time.monotonic() - began > 0.2)
    assert gone(before)
    assert time.monotonic() - began < 5


def test_trouble_of_the_one_who_is_told_is_passed_on_as_it_is(ear):
    def told(news):
        raise OSError("the database is away")

    with pytest.raises(OSError, match="the database is away"):
        ask(ear, "answer", told=told)


def test_a_child_that_died_between_two_questions_is_replaced(ear):
    before = ask(ear, "answer")["pid"]
    os.kill(before, 9)
    ear.process.wait()
    assert ask(ear, "answer")["pid"] != before


def test_a_child_that_cannot_be_started_is_told(tmp_path):
    with pytest.raises(SpeechError, match="could not be started"):
        ask(Ear([str(tmp_path / "nothing")], {}), "answer")


def test_a_child_that_dies_before_it_is_asked_is_told():
    dead = Ear([sys.executable, "-c", "import os; os.close(0)"], {})
    with pytest.raises(SpeechError):
        ask(dead, "answer", padding="x" * 1_000_000)


def test_closing_twice_is_harmless(ear):
    ask(ear, "answer")
    ear.close()
    ear.close()


def test_the_child_ends_when_its_parent_is_killed(tmp_path):
    # A parent that is killed while its child is busy; the child runs the real listener's stdin watch.
    parent = """
import os, sys, time
from callcov_portal.engine.speech.ear import Ear
code = "import queue, sys, threading, time; from callcov_portal.engine.speech.listener import listen; " \\
    "threading.Thread(target=listen, args=(sys.stdin.buffer, queue.Queue()), daemon=True).start(); print('{}', flush=True); time.sleep(600)"
ear = Ear([sys.executable, "-c", code], dict(os.environ))
child = ear._running()
ear.lines.get()
print(child.pid, flush=True)
time.sleep(600)
"""
    root = str(ear_module.PACKAGE_ROOT)
    environment = {**os.environ, "PYTHONPATH": root}
    process = subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, env=environment)
    child = int(process.stdout.readline())
    assert not gone(child)
    process.kill()
    process.communicate()
    deadline = time.monotonic() + 10
    while not gone(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert gone(child)


def test_the_child_gets_no_secret_and_one_thread(monkeypatch):
    monkeypatch.setenv("CALLCOV_SECRET_KEY", "do not tell")
    local, hub = listener("/models/x", local=True), listener("some/model", local=False)
    assert not any(name.startswith(("CALLCOV_", "DJANGO_")) for name in local.environment)
    assert local.environment["OMP_NUM_THREADS"] == "1"
    assert local.environment["HF_HUB_OFFLINE"] == "1"
    assert "HF_HUB_OFFLINE" not in set(hub.environment) - set(os.environ)
    assert local.command[-1] == "/models/x"


def test_the_real_child_says_clearly_that_a_model_cannot_be_loaded(tmp_path):
    child = listener(str(tmp_path), local=True)
    with pytest.raises(
        ModelUnusable, match=f"The speech model {tmp_path} could not be loaded: .*Set CALLCOV_ENGINE_MODEL"
    ):
        child.ask({"samples": "x"}, told=lambda news: None, cancelled=lambda: False, seconds=60)
    child.close()


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("import os; os.kill(os.getpid(), 9)", "crashed or ran out of memory"),
        ("import sys; sys.exit('bad weights')", "bad weights"),
        ("import time; time.sleep(600)", "took longer than allowed"),
    ],
)
def test_a_child_that_ends_before_the_model_is_loaded_lays_it_to_the_model(code, sentence):
    early = Ear([sys.executable, "-c", code, "some/model"], dict(os.environ))
    with pytest.raises(ModelUnusable, match=f"The speech model some/model could not be loaded: .*{sentence}"):
        ask(early, "answer", seconds=1)
    assert not early.is_up


def test_whoever_cancels_while_the_model_is_loaded_lays_nothing_to_it():
    slow = Ear([sys.executable, "-c", "import time; time.sleep(600)", "some/model"], dict(os.environ))
    with pytest.raises(Cancelled):
        ask(slow, "answer", cancelled=lambda: True)
    assert not slow.is_up


def test_several_threads_may_have_ears_of_their_own():
    answers = []

    def work(number):
        own = Ear([sys.executable, "-c", PUPPET], dict(os.environ))
        answers.append(ask(own, "answer", number=number)["number"])
        own.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [0, 1, 2]


def test_complaints_are_shortened():
    assert ear_module.tail(None) == ""
