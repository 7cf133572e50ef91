"""`manage.py setup` and `manage.py demo`: the first start, and every one after it."""

import fcntl
import threading
from io import StringIO
from unittest.mock import Mock
from uuid import UUID

import pytest
from django.contrib.auth import authenticate
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, OperationalError, ProgrammingError

from callcov_portal import tasks
from callcov_portal.management.commands import demo, setup
from callcov_portal.models import Analysis, Recording, Role, User

pytestmark = pytest.mark.django_db


def run(name: str = "setup", *arguments: str) -> str:
    out = StringIO()
    call_command(name, *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture(autouse=True)
def own_static_root(settings, tmp_path):
    settings.STATIC_ROOT = tmp_path / "static"


@pytest.fixture
def collected(monkeypatch, tmp_path):
    """Count the runs of commands that `setup` makes, and let them do nothing."""
    called = []

    def call(name, **_):
        called.append(name)
        (tmp_path / "static").mkdir(exist_ok=True)

    monkeypatch.setattr(setup, "call_command", call)
    return called


def test_the_first_start_makes_folders_for_us_alone_and_an_administrator_with_a_random_password(settings, collected):
    said = run()
    password = said.partition("password ")[2].partition(" ")[0]
    user = User.objects.get()
    assert (user.username, user.role, user.check_password(password)) == ("admin", Role.ADMINISTRATOR, True)
    assert len(password) >= 20
    assert "shown only this once" in said
    assert settings.CALLCOV_DATA_DIR.stat().st_mode & 0o777 == 0o700
    assert {path.name for path in settings.CALLCOV_DATA_DIR.iterdir()} >= set(setup.FOLDERS)


def test_the_second_start_says_and_changes_nothing(collected):
    run()
    assert run() == ""
    assert collected == ["collectstatic"]
    assert User.objects.count() == 1


def test_name_and_password_of_the_first_administrator_can_be_given(settings, collected, rf):
    settings.CALLCOV_ADMIN_USER, settings.CALLCOV_ADMIN_PASSWORD = "zoe", "violet harbour 88 lamps"
    said = run()
    assert "violet" not in said
    assert "name zoe, the password from CALLCOV_ADMIN_PASSWORD" in said
    assert authenticate(rf.post("/"), username="zoe", password="violet harbour 88 lamps")


@pytest.mark.parametrize(
    ("name", "password"), [("zoe", "123456789012"), ("zoe", "short"), ("z oe!", "violet harbour 88 lamps")]
)
def test_a_name_or_password_that_cannot_be_used_is_refused_by_setting(settings, collected, name, password):
    settings.CALLCOV_ADMIN_USER, settings.CALLCOV_ADMIN_PASSWORD = name, password
    with pytest.raises(CommandError, match="CALLCOV_ADMIN_USER or CALLCOV_ADMIN_PASSWORD cannot be used: "):
        run()
    assert not User.objects.exists()


def test_where_somebody_can_sign_in_no_administrator_is_added(bob, collected):
    assert "administrator" not in run()
    assert User.objects.get() == bob


def test_static_files_are_collected_again_when_one_changed(collected, monkeypatch, settings, tmp_path):
    extra = tmp_path / "extra"
    extra.mkdir()
    settings.STATICFILES_DIRS = [extra]
    (extra / "page.css").write_text("a {}")
    before = setup.fingerprint_of_static_files()
    run()
    (extra / "page.css").write_text("a { color: red }")
    assert setup.fingerprint_of_static_files() != before
    run()
    assert collected == ["collectstatic", "collectstatic"]


def test_a_new_version_brings_the_database_up_to_date(collected, monkeypatch):
    monkeypatch.setattr("callcov_portal.management.commands.setup.MigrationExecutor.migration_plan", lambda *_: ["one"])
    assert "Bringing the database up to date" in run()
    assert collected[0] == "migrate"


def test_two_set_ups_at_once_go_one_after_the_other(settings):
    entered = threading.Event()

    def second():
        with setup.only_one(settings.CALLCOV_DATA_DIR):
            entered.set()

    with setup.only_one(settings.CALLCOV_DATA_DIR):
        thread = threading.Thread(target=second)
        thread.start()
        assert not entered.wait(0.2)
    thread.join(5)
    assert entered.is_set()
    with (settings.CALLCOV_DATA_DIR / "run" / "setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_data_folder_that_cannot_be_made_is_named_with_its_setting(settings, tmp_path):
    (tmp_path / "file").write_text("")
    settings.CALLCOV_DATA_DIR = tmp_path / "file" / "data"
    with pytest.raises(
        CommandError, match=r"data folder cannot be used: .*file.* CALLCOV_DATA_DIR may name another one"
    ):
        run()


@pytest.mark.parametrize("error", [OperationalError("connection refused\n"), DatabaseError("file is not a database")])
def test_a_database_that_cannot_be_used_is_named_with_its_setting(monkeypatch, error):
    monkeypatch.setattr(setup.Command, "migrate", Mock(side_effect=error))
    with pytest.raises(CommandError, match=rf"cannot be used: {str(error).strip()}\. Check CALLCOV_DATABASE_URL"):
        run()


def test_a_fault_of_a_migration_keeps_its_traceback(monkeypatch):
    monkeypatch.setattr(setup.Command, "migrate", Mock(side_effect=ProgrammingError("no such column")))
    with pytest.raises(ProgrammingError):
        run()


@pytest.fixture
def rung(monkeypatch):
    pks: list[UUID] = []
    monkeypatch.setattr(tasks, "ring", pks.append)
    return pks


def test_the_demo_adds_two_calls_of_the_administrator_and_rings_for_their_analyses(dora, rung):
    said = run("demo")
    assert said.count("its analysis has begun") == 2
    assert set(Recording.objects.values_list("channels", flat=True)) == {1, 2}
    assert {recording.uploaded_by for recording in Recording.objects.all()} == {dora}
    assert set(rung) == set(Analysis.objects.values_list("pk", flat=True))


def test_the_demo_does_nothing_the_second_time(rung, settings):
    run("demo")
    said = run("demo")
    assert said.count("is there already as call #") == 2
    assert Recording.objects.count() == 2
    assert list((settings.CALLCOV_DATA_DIR / "incoming").iterdir()) == []


def test_an_example_that_cannot_be_used_is_an_error(monkeypatch, tmp_path, rung):
    monkeypatch.setattr(demo, "EXAMPLES", tmp_path)
    (tmp_path / demo.CALLS[0][0]).write_text("no audio")
    with pytest.raises(CommandError, match=r"call1_payment\.stereo\.flac was refused"):
        run("demo")


def test_the_demo_waits_for_the_web_server(monkeypatch, rung):
    answers = [False, True]
    monkeypatch.setattr("callcov_portal.management.commands.demo.HttpEar.ask", lambda self: answers.pop(0))
    run("demo", "--wait", "5")
    assert answers == []
    monkeypatch.setattr("callcov_portal.management.commands.demo.HttpEar.ask", lambda self: False)
    with pytest.raises(CommandError, match="did not answer on port"):
        run("demo", "--wait", "0.1")
