"""`manage.py watch`: what it begins with, and that nothing ends it but a person."""

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from callcov_portal.actions import file_patterns
from callcov_portal.actions.watching import Watch
from callcov_portal.management.commands import watch as command
from callcov_portal.models import Recording
from tests.sounds import wav

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path, settings):
    settings.CALLCOV_DATA_DIR = tmp_path / "data"
    root = tmp_path / "drop"
    (root / "nora").mkdir(parents=True)
    (root / "nora" / "a.wav").write_bytes(wav(0.3))
    return root


def run(*arguments: object) -> None:
    call_command("watch", *map(str, arguments), "--seconds", "0.01", "--looks", "2")


def test_it_says_what_became_of_each_file(folder, capsys):
    run(folder, "--pattern", "{agent}/*")
    assert capsys.readouterr().out == f"Watching {folder}.\nStored: nora/a.wav\n"
    assert Recording.objects.get().agent.identifier == "nora"


def test_without_a_pattern_the_kept_ones_read_the_names(folder):
    file_patterns.keep(None, team="", name="by folder", text="{agent}/*", position=1)
    run(folder)
    assert Recording.objects.get().agent.identifier == "nora"


def test_patterns_that_cannot_be_read_together_do_not_end_it(folder):
    for number in range(21):
        file_patterns.keep(None, team="", name=str(number), text="{agent}/*", position=number)
    run(folder, "--agent", "rachel")
    assert Recording.objects.get().agent.identifier == "rachel"


def test_a_database_that_is_away_is_waited_for(folder, monkeypatch):
    looked = []

    def away(self):
        looked.append(self)
        raise OperationalError("the database is away")

    monkeypatch.setattr("django.db.connections.close_all", lambda: None)
    monkeypatch.setattr(Watch, "look", away)
    run(folder)
    assert len(looked) == 2


def test_a_folder_that_is_not_there_yet_is_waited_for(tmp_path, folder):
    run(tmp_path / "mounted-later")
    assert not Recording.objects.exists()


def test_one_process_watches_a_folder(folder):
    with command.lock_of(folder), pytest.raises(CommandError, match="Another process watches"):
        run(folder)


@pytest.mark.parametrize("place", ["data", "data/recordings", "."])
def test_the_data_folder_is_never_watched(tmp_path, folder, place):
    with pytest.raises(CommandError, match="the data folder"):
        run(tmp_path / place)


def test_a_pattern_or_folder_that_is_none_is_refused(folder, settings):
    with pytest.raises(CommandError, match="The pattern cannot be read"):
        run(folder, "--pattern", "{nobody}")
    with pytest.raises(CommandError, match="Name the folder, or set CALLCOV_WATCH_FOLDER"):
        call_command("watch")
