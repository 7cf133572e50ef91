"""check_api: a live round trip, told line by line."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from callcov_portal.actions import checking, pace
from callcov_portal.client.errors import Misconfigured
from callcov_portal.client.types import RateLimit
from tests.sounds import wav_file

pytestmark = pytest.mark.django_db


def told(*args: str) -> str:
    out = StringIO()
    call_command("check_api", *args, stdout=out)
    return out.getvalue()


def test_it_tells_what_the_list_answered(api) -> None:
    api.last_rate = RateLimit(100, 97, None)
    text = told()
    assert "The key is accepted." in text
    assert "Limit: 100 requests a minute, 97 left." in text
    assert api.sent == []


def test_a_recording_is_submitted_for_real_and_waited_for(api, tmp_path, monkeypatch) -> None:
    path, _sha256, _size = wav_file(tmp_path)
    monkeypatch.setattr("time.sleep", lambda _s: api.finish(next(iter(api.created))))
    text = told("--recording", str(path))
    assert "Transcript: 3 segments, language en." in text
    assert "Results: compliance, quality." in text
    assert "The list echoes" not in text


def test_what_is_in_the_list_shows_whether_the_webhook_is_echoed(api, queued) -> None:
    from callcov_portal.actions.advancing import advance

    advance(queued.pk)
    assert "echoes webhook_url" in told()


def test_an_analysis_that_does_not_end_is_given_up(api, tmp_path, monkeypatch) -> None:
    path, _sha256, _size = wav_file(tmp_path)
    monkeypatch.setattr(checking, "LONGEST_WAIT", -1.0)
    with pytest.raises(CommandError, match="within ten minutes"):
        told("--recording", str(path))


def test_a_key_that_is_refused_says_so(api) -> None:
    api.trouble = [Misconfigured("The key is refused.", status=401)]
    with pytest.raises(CommandError, match="Misconfigured: The key is refused"):
        told()


def test_full_limits_say_when_to_try_again(api, settings) -> None:
    settings.CALLCOV_API_REQUESTS_PER_MINUTE = 1
    pace.take(pace.REQUEST)
    with pytest.raises(CommandError, match="try again after"):
        told()


def test_a_file_that_is_not_there_says_so(api) -> None:
    with pytest.raises(CommandError, match="There is no file"):
        told("--recording", "nowhere.wav")


def test_without_a_database_it_says_what_to_run_first(monkeypatch) -> None:
    def no_table(*_buckets: object) -> None:
        raise OperationalError("no such table: portal_signal")

    monkeypatch.setattr(pace, "take", no_table)
    with pytest.raises(CommandError, match=r"manage\.py setup"):
        told()
