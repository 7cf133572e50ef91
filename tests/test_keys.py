"""Secrets that the program makes for itself."""

import threading
from pathlib import Path

from callcov_portal.keys import derive, read_or_create_secret


def test_a_secret_is_made_once_and_read_ever_after(tmp_path):
    path = tmp_path / "data" / "secret_key"
    first = read_or_create_secret(path)
    assert len(first) >= 50
    assert read_or_create_secret(path) == first
    assert [file.name for file in path.parent.iterdir()] == ["secret_key"]


def test_only_its_owner_may_read_it(tmp_path):
    read_or_create_secret(tmp_path / "secret_key")
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0


def test_a_secret_that_somebody_put_there_is_kept(tmp_path):
    (tmp_path / "secret_key").write_text("ours\n")
    assert read_or_create_secret(tmp_path / "secret_key") == "ours"


def test_many_first_calls_at_once_agree(tmp_path):
    path, secrets = tmp_path / "secret_key", []
    gate = threading.Barrier(8)

    def call():
        gate.wait()
        secrets.append(read_or_create_secret(path))

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(secrets) == 8
    assert len(set(secrets)) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["secret_key"]


def test_the_loser_of_the_race_takes_the_winners_secret(tmp_path, monkeypatch):
    path = tmp_path / "secret_key"
    answers = [FileNotFoundError, "winner"]

    def read(self):
        answer = answers.pop(0)
        if answer is FileNotFoundError:
            path.write_bytes(b"winner")
            raise FileNotFoundError
        return answer

    monkeypatch.setattr(Path, "read_text", read)
    assert read_or_create_secret(path) == "winner"


def test_a_derived_key_depends_on_secret_and_purpose_and_tells_neither():
    key = derive("secret", "engine key")
    assert key == derive("secret", "engine key")
    assert len(key) == 48
    assert len({key, derive("secret", "another"), derive("other", "engine key")}) == 3
    assert derive("secret", "engine key", 10) == key[:10]
