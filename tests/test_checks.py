"""Settings that make no sense, named before anything starts."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from environs import EnvError, ValidationError

from callcov_portal.checks import settings_make_sense
from callcov_portal.environment import a_broker, a_time_zone, an_address_or_empty, kept_secret

ROOT = Path(__file__).resolve().parent.parent


def problems() -> list[str]:
    return [found.msg for found in settings_make_sense()]


def test_the_defaults_make_sense() -> None:
    assert problems() == []


def test_a_hosted_api_needs_a_key_and_should_be_able_to_reach_us(settings) -> None:
    settings.CALLCOV_EMBEDDED, settings.CALLCOV_API_KEY = False, ""
    key, public = problems()
    assert "CALLCOV_API_KEY is not: set the key" in key
    assert "results come by polling" in public


@pytest.mark.parametrize(
    ("folder", "why"),
    [("calls", "no absolute path"), ("{data}", "data folder"), ("{data}/x", "data folder"), ("/", "data folder")],
)
def test_a_folder_that_cannot_be_watched_is_named(settings, folder, why) -> None:
    settings.CALLCOV_WATCH_FOLDER = folder.format(data=settings.CALLCOV_DATA_DIR)
    (problem,) = problems()
    assert why in problem


@pytest.mark.parametrize(
    ("setting", "value"),
    [("CALLCOV_FETCH_ALLOW", "http://"), ("CALLCOV_FETCH_ALLOW", "10.0.0.0/99"), ("CALLCOV_TRUSTED_PROXIES", "proxy")],
)
def test_a_network_that_cannot_be_read_is_named_with_its_setting(settings, setting, value) -> None:
    setattr(settings, setting, [value])
    (problem,) = problems()
    assert setting in problem


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("CALLCOV_PORT", "abc"),
        ("CALLCOV_API_URL", "nonsense"),
        ("CALLCOV_TIME_ZONE", "Mars/Base"),
        ("CALLCOV_DATA_DIR", "/proc/nowhere"),
        ("CALLCOV_ENGINE_MODEL", "/nowhere"),
        ("CALLCOV_ENGINE_AGENT_CHANNEL", "middle"),
        ("CALLCOV_DATABASE_URL", "mysql://host/name"),
        ("CALLCOV_BIND", "300.1.1.1"),
    ],
)
def test_a_start_with_a_setting_that_makes_no_sense_ends_with_its_name_and_no_traceback(
    tmp_path, setting, value
) -> None:
    environment = {**os.environ, "CALLCOV_DATA_DIR": str(tmp_path), setting: value}
    command = [sys.executable, "manage.py", "serve", "--only", "web"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert setting in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("value", ["nonsense", "qa.example", "ftp://qa.example", "https://"])
def test_what_is_no_web_address_is_refused(value) -> None:
    with pytest.raises(ValidationError, match="web address"):
        an_address_or_empty(value)


@pytest.mark.parametrize("value", ["", "https://qa.example", "http://qa-box:8000/api/v1"])
def test_a_web_address_or_none_is_taken(value) -> None:
    an_address_or_empty(value)


@pytest.mark.parametrize("value", ["Mars/Base", "Europe", "", "../../etc/passwd"])
def test_a_time_zone_that_is_not_known_is_refused(value) -> None:
    a_time_zone("Europe/Berlin")
    with pytest.raises(ValidationError, match="time zone"):
        a_time_zone(value)


def test_a_broker_that_nothing_can_speak_to_is_refused() -> None:
    for url in ("", "amqp://mq", "redis://mq:6379/0"):
        a_broker(url)
    with pytest.raises(ValidationError, match="amqp://"):
        a_broker("localhost:6379")


def test_a_data_folder_that_cannot_be_used_is_named_with_its_setting(tmp_path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(EnvError, match="CALLCOV_DATA_DIR"):
        kept_secret(tmp_path / "file")


def test_two_servers_on_one_port_are_named(settings) -> None:
    settings.CALLCOV_ENGINE_PORT = settings.CALLCOV_PORT
    (port,) = problems()
    assert "CALLCOV_ENGINE_PORT and CALLCOV_PORT" in port
    settings.CALLCOV_EMBEDDED, settings.CALLCOV_API_KEY, settings.CALLCOV_PUBLIC_URL = (
        False,
        "key",
        "https://qa.example",
    )
    assert problems() == []
