"""The container files, read: no container engine is needed to see that they name what exists."""

import re
from pathlib import Path

import pytest
import yaml
from django.core.management import CommandParser
from django.urls import resolve

from callcov_portal.management.commands import serve
from callcov_portal.supervisor import parts
from tests.test_docs import documented_settings

ROOT = Path(__file__).resolve().parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
PARTS = {name: service for name, service in SERVICES.items() if "serve" in service.get("command", [])}


def makefile_value(name: str) -> str:
    found = re.search(rf"^{name} := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert found is not None
    return found[1]


def found_in_dockerfile(pattern: str) -> re.Match[str]:
    found = re.search(pattern, DOCKERFILE, re.MULTILINE)
    assert found is not None, pattern
    return found


def only(service: dict) -> str:
    """Return the parts that a service's command runs, as `serve` itself understands the command."""
    python, manage, command, *arguments = service["command"]
    assert [python, manage, command] == ["python", "manage.py", "serve"]
    parser = CommandParser()
    serve.Command().add_arguments(parser)
    return str(parser.parse_args(arguments).only)


def test_the_image_installs_as_the_makefile_does():
    assert f"RUN {makefile_value('PIP_INSTALL')} requirements.lock\n" in DOCKERFILE


def test_the_image_has_two_stages_runs_as_nobody_special_and_serves():
    assert re.findall(r"^FROM \S+", DOCKERFILE, re.MULTILINE) == ["FROM python:3.11-slim-bookworm"] * 2
    assert found_in_dockerfile(r"^USER (\S+)$")[1] == "10001"
    assert 'CMD ["python", "manage.py", "serve"]' in DOCKERFILE


def test_the_image_copies_files_that_exist_and_nothing_private():
    copied = re.findall(r"^COPY (?!--from)(\S+) ", DOCKERFILE, re.MULTILINE)
    assert [name for name in copied if not (ROOT / name).exists()] == []
    ignore = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignore
    assert {line[1:] for line in ignore if line.startswith("!")} == set(copied)


def test_the_health_check_asks_an_address_that_exists():
    port, path = found_in_dockerfile(r"http://127\.0\.0\.1:(\d+)(/\w+)").groups()
    assert port == "8000"
    assert resolve(path).route == "health"
    assert resolve(path, urlconf="callcov_portal.engine.urls").route == "health"


def test_every_part_has_a_service_and_every_service_a_part():
    assert sorted(only(service) for service in PARTS.values()) == sorted(parts.NAMES)
    assert all(only(service) == name for name, service in PARTS.items())
    assert set(SERVICES) - set(PARTS) == {"pod", "postgres", "redis"}


def test_one_part_sets_up_and_the_others_wait_for_it():
    setting_up = [name for name, service in PARTS.items() if "--no-setup" not in service["command"]]
    assert setting_up == ["web"]
    assert PARTS["web"]["healthcheck"] == {"disable": False}
    for name in set(PARTS) - {"web"}:
        assert PARTS[name]["depends_on"] == {"web": {"condition": "service_healthy"}}


def test_all_parts_share_one_address_and_one_data_folder():
    assert {service["network_mode"] for service in PARTS.values()} == {"service:pod"}
    assert {service["volumes"][0] for service in PARTS.values()} == {"data:/data"}
    assert [name for name, service in PARTS.items() if len(service["volumes"]) > 1] == ["watch"]
    assert "CALLCOV_DATA_DIR=/data" in DOCKERFILE
    assert set(COMPOSE["volumes"]) == {"data", "postgres", "redis"}


@pytest.mark.parametrize("name", PARTS)
def test_a_service_sets_only_settings_that_exist(name):
    assert set(PARTS[name]["environment"]) <= set(documented_settings())


def test_database_and_broker_of_the_parts_are_the_services_beside_them():
    environment = PARTS["worker"]["environment"]
    assert "@postgres:5432/callcov" in environment["CALLCOV_DATABASE_URL"]
    assert environment["CALLCOV_BROKER_URL"] == "redis://redis:6379/0"
    assert SERVICES["postgres"]["environment"]["POSTGRES_USER"] == "callcov"


def test_no_password_is_written_down():
    text = (ROOT / "compose.yaml").read_text()
    assert "${POSTGRES_PASSWORD:?" in text
    assert re.findall(r"PASSWORD: +(?!\$\{)", text) == []


def test_stopping_gives_the_parts_longer_than_serve_gives_them():
    from callcov_portal.supervisor.group import STOP_SECONDS

    assert all(int(service["stop_grace_period"].rstrip("s")) > STOP_SECONDS for service in PARTS.values())
