"""What the environment says, held to what it may be; settings.py alone asks.

A value that makes no sense raises `EnvError`, which names the variable and says what to write. What makes no sense
together is found by checks.py.
"""

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from environs import Env, EnvError, ValidationError, validate

from callcov_portal.keys import read_or_create_secret

env = Env()

at_least_one = validate.Range(min=1)
a_port = validate.Range(min=1, max=65535)
NO_ADDRESS = "Not a web address such as https://qa.example."
an_address = validate.URL(schemes={"http", "https"}, require_tld=False, error=NO_ADDRESS)


def an_address_or_empty(value: str) -> None:
    """Refuse what is neither a web address nor empty; compose files pass unset variables on as empty ones."""
    if value:
        an_address(value)


def a_time_zone(name: str) -> None:
    """Refuse a name that this machine's zone data does not know."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValidationError("Not a known time zone; Europe/Berlin is one.") from error


def a_broker(url: str) -> None:
    """Refuse a broker that the portal has no transport for."""
    if url and urlsplit(url).scheme not in {"amqp", "amqps", "redis", "rediss", "filesystem"}:
        raise ValidationError("Not an address that begins with amqp://, amqps://, redis:// or rediss://.")


def a_bucket(name: str) -> None:
    """Refuse what no bucket is called."""
    if name and not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", name):
        raise ValidationError("Not the name of a bucket: 3 to 63 small letters, digits, dots and hyphens.")


def a_prefix(path: str) -> None:
    """Refuse a beginning of names that the storage would read as another one."""
    parts = path.removesuffix("/").split("/")
    if path and not all(re.fullmatch(r"[\w!.*'()-]+", part, re.ASCII) and part not in {".", ".."} for part in parts):
        raise ValidationError("Not the beginning of a name in a bucket, such as portal/recordings.")


def kept_secret(folder: Path) -> str:
    """Return the secret key kept in the data folder; raises `EnvError` for a folder that cannot be used."""
    try:
        return read_or_create_secret(folder / "secret_key")
    except OSError as error:
        raise EnvError(f"CALLCOV_DATA_DIR: the data folder cannot be used: {error}") from error


def database(folder: Path) -> dict[str, Any]:
    """Return Django's database: SQLite in the data folder unless `CALLCOV_DATABASE_URL` names another one."""
    found: dict[str, Any] = env.dj_db_url(
        "CALLCOV_DATABASE_URL", f"sqlite:///{folder / 'callcov.sqlite3'}", conn_max_age=60, conn_health_checks=True
    )
    if found["ENGINE"] == "django.db.backends.sqlite3":
        # WAL and IMMEDIATE belong together (docs/adr); no request is one long transaction.
        return found | {
            "OPTIONS": {
                "timeout": 20,
                "transaction_mode": "IMMEDIATE",
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
            },
            "TEST": {"NAME": folder / "test.sqlite3"},
        }
    if found["ENGINE"] != "django.db.backends.postgresql":
        raise EnvError("CALLCOV_DATABASE_URL: only sqlite:// and postgres:// are supported")
    patience = "-c idle_in_transaction_session_timeout=15000 -c lock_timeout=5000"
    return found | {"OPTIONS": {"options": patience, "connect_timeout": 5} | found.get("OPTIONS", {})}


def bucket(name: str, *, endpoint: str, region: str, key: str, secret: str, prefix: str) -> dict[str, Any]:
    """Return Django's storage for recordings in a bucket; boto3 looks for a key elsewhere where none is given.

    There it also finds what belongs to that key: django-storages would add it to ours, or without the key.
    """
    options = {
        "bucket_name": name,
        "endpoint_url": endpoint,
        "region_name": region,
        "access_key": key or None,
        "secret_key": secret or None,
        "security_token": None,
        "session_profile": None,
        "location": prefix,
    }
    return {"BACKEND": "callcov_portal.bucket.Bucket", "OPTIONS": options}
