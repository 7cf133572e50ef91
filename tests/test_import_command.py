"""`manage.py import`: files, folders and links into a batch, each with its fate."""

from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command

from callcov_portal import uploads
from callcov_portal.actions import arriving, file_patterns
from callcov_portal.models import Batch, BatchState, Cause, Failure, Fate, Recording, State, Way
from callcov_portal.uploads import incoming_folder
from tests.sounds import wav

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path):
    """A folder with two calls, one of them in a folder below."""
    root = tmp_path / "calls"
    (root / "nora").mkdir(parents=True)
    (root / "a.wav").write_bytes(wav(0.3, seed=1))
    (root / "nora" / "c-7_2026-03-01_09-30.wav").write_bytes(wav(0.3, seed=2))
    return root


def run(*arguments: object) -> None:
    call_command("import", *map(str, arguments))


def test_a_folder_becomes_a_batch_of_calls_each_told_of(folder, alice, capsys):
    run(folder, "--agent", "rachel", "--user", "alice")
    batch = Batch.objects.get()
    assert (batch.way, batch.name, batch.user, batch.state) == (Way.COMMAND, "calls", alice, BatchState.CLOSED)
    assert list(batch.items.values_list("name", flat=True)) == ["a.wav", "nora/c-7_2026-03-01_09-30.wav"]
    told = capsys.readouterr().out.splitlines()
    first, second = Recording.objects.order_by("pk")
    assert told[:3] == [
        f"stored     a.wav  {first}",
        f"stored     nora/c-7_2026-03-01_09-30.wav  {second}",
        "2 in = 2 waiting + 0 working + 0 done + 0 failed + 0 duplicates + 0 cancelled",
    ]
    assert (first.uploaded_by, first.state, first.batch) == (alice, State.QUEUED, batch)
    assert len(list(folder.rglob("*.wav"))) == 2
    assert list(incoming_folder().iterdir()) == []


def test_the_second_time_nothing_is_added(folder, capsys):
    run(folder, "--agent", "rachel")
    run(folder, "--agent", "rachel")
    assert Recording.objects.count() == 2
    assert [batch.sums().duplicates for batch in Batch.objects.order_by("created_at")] == [0, 2]
    assert f"duplicate  a.wav  {Recording.objects.earliest('pk')}" in capsys.readouterr().out


def test_names_are_read_by_the_pattern_with_their_folders(folder):
    run(folder / "nora" / "c-7_2026-03-01_09-30.wav", "--pattern", "{contact}_{date}_{time}", "--agent", "rachel")
    run(folder, "--pattern", "{agent}/{contact}_{date}_{time}", "--agent", "sam")
    call, other = Recording.objects.order_by("pk")
    assert (call.agent.identifier, call.contact.identifier) == ("rachel", "c-7")
    assert call.called_at == datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
    assert (other.agent.identifier, other.file_name) == ("sam", "a.wav")


def test_without_a_pattern_the_ones_that_are_kept_for_all_read_the_names(folder):
    file_patterns.keep(None, team="", name="dialler", text="{agent}/{contact}_{date}_{time}", position=1)
    run(folder / "nora", "--agent", "sam")
    run(folder, "--agent", "sam")
    assert set(Recording.objects.values_list("agent__identifier", flat=True)) == {"sam"}
    assert Batch.objects.earliest("created_at").pattern == "{agent}/{contact}_{date}_{time}"


def test_what_is_refused_says_why_and_the_exit_status_tells(folder, capsys):
    (folder / "notes.txt").write_text("hello")
    (folder / "b.wav").write_bytes(wav(0.3, seed=9))
    with pytest.raises(CommandError, match="1 of 4 were refused"):
        run(folder, "--agent", "rachel")
    refused = Batch.objects.get().items.get(fate=Fate.REFUSED)
    assert (refused.name, refused.cause) == ("notes.txt", Failure.NOT_AUDIO)
    assert f"refused    notes.txt  {refused.detail}" in capsys.readouterr().out
    assert Recording.objects.count() == 3


def test_hidden_and_passing_files_and_links_to_others_are_left_alone(folder):
    for name in (".hidden.wav", "~lock.wav", "now.wav.part", "x.TMP", "y.crdownload", "old.wav~"):
        (folder / name).write_bytes(wav(0.3, seed=3))
    (folder / ".git").mkdir()
    (folder / ".git" / "z.wav").write_bytes(wav(0.3, seed=4))
    (folder / "link.wav").symlink_to(folder / "a.wav")
    (folder / "loop").symlink_to(folder)
    run(folder, "--agent", "rachel")
    assert Batch.objects.get().sums().items == 2


def test_a_file_that_cannot_be_read_is_refused_and_the_line_goes_on(folder, monkeypatch, capsys):
    whole = arriving.copied

    def unreadable(source, target):
        if source.name == "a.wav":
            raise PermissionError(13, "Permission denied")
        return whole(source, target)

    monkeypatch.setattr(arriving, "copied", unreadable)
    with pytest.raises(CommandError):
        run(folder, "--agent", "rachel")
    item = Batch.objects.get().items.get(fate=Fate.REFUSED)
    assert (item.name, item.cause, item.detail) == (
        "a.wav", Cause.UNREADABLE, "The file cannot be read: Permission denied.",
    )  # fmt: skip
    assert Recording.objects.count() == 1


def test_a_file_that_is_written_meanwhile_is_not_taken_half(folder, monkeypatch):
    whole = arriving.copied

    def grows(source, target):
        digest = whole(source, target)
        with source.open("ab") as file:
            file.write(b"more")
        return digest

    monkeypatch.setattr(arriving, "copied", grows)
    with pytest.raises(CommandError):
        run(folder / "a.wav", "--agent", "rachel")
    assert Batch.objects.get().items.get().detail == "It is being written. Import it again when it is complete."
    assert (Recording.objects.count(), list(incoming_folder().iterdir())) == (0, [])


def test_a_file_above_the_limit_is_refused_unread(folder, settings):
    settings.CALLCOV_MAX_UPLOAD_MB = 0
    with pytest.raises(CommandError):
        run(folder / "a.wav", "--agent", "rachel")
    assert Batch.objects.get().items.get().cause == Failure.TOO_LARGE


def test_a_full_disk_ends_it_and_what_waits_is_cancelled(folder, monkeypatch):
    monkeypatch.setattr(uploads, "KEEP_FREE_BYTES", 2**62)
    with pytest.raises(CommandError, match="It broke off: The disk has only"):
        run(folder, "--agent", "rachel")
    batch = Batch.objects.get()
    assert (batch.state, batch.sums().cancelled, batch.sums().waiting) == (BatchState.CLOSED, 2, 0)


def test_links_come_from_a_file_and_the_second_time_are_duplicates(tmp_path, capsys):
    links = tmp_path / "links.txt"
    links.write_text(
        "\ufeffhttps://files.example/a.mp3\n\n  https://files.example/b.mp3 \nhttps://files.example/a.mp3\n"
    )
    run("--links", links, "--agent", "rachel")
    assert list(Recording.objects.order_by("pk").values_list("link", flat=True)) == [
        "https://files.example/a.mp3",
        "https://files.example/b.mp3",
    ]
    assert Batch.objects.get().sums().duplicates == 1
    run("--links", links, "--agent", "rachel")
    assert Recording.objects.count() == 2


def test_a_link_that_is_not_allowed_is_refused(tmp_path):
    links = tmp_path / "links.txt"
    links.write_text("ftp://files.example/a.mp3")
    with pytest.raises(CommandError, match="1 of 1"):
        run("--links", links, "--agent", "rachel")


def test_a_link_that_is_too_long_is_refused_and_not_cut(tmp_path):
    links = tmp_path / "links.txt"
    links.write_text(f"https://files.example/{'a' * 3000}.mp3")
    with pytest.raises(CommandError, match="1 of 1"):
        run("--links", links, "--agent", "rachel")
    assert not Recording.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ((), "Name a file or a folder"),
        (("/nowhere/at/all",), "is not there. Nothing was imported"),
        (("{folder}", "--pattern", "{nobody}"), "The pattern cannot be read. Line 1"),
        (("{folder}", "--user", "nobody"), "There is no user nobody"),
    ],
)
def test_what_cannot_be_begun_says_so_and_changes_nothing(folder, arguments, why):
    with pytest.raises(CommandError, match=why):
        run(*(argument.replace("{folder}", str(folder)) for argument in arguments))
    assert not Batch.objects.exists()


def test_it_waits_until_nothing_is_in_work_and_tells_what_failed(folder, monkeypatch, capsys):
    def works(_seconds: float) -> None:
        Recording.objects.filter(file_name="a.wav").update(state=State.COMPLETED)
        Recording.objects.exclude(file_name="a.wav").update(state=State.FAILED, failure=Failure.LOST)

    monkeypatch.setattr("time.sleep", works)
    with pytest.raises(CommandError, match="1 of 2 were refused or have failed"):
        run(folder, "--agent", "rachel", "--wait")
    assert "2 in = 0 waiting + 0 working + 1 done + 1 failed + 0 duplicates + 0 cancelled" in capsys.readouterr().out
