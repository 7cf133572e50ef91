"""`manage.py setup`: everything a first start needs; quick when there is nothing to do."""

import fcntl
import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.contrib.staticfiles.finders import get_finders
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, DatabaseError, OperationalError, connections
from django.db.migrations.executor import MigrationExecutor

from callcov_portal.models import Role, User

FOLDERS = ("recordings", "incoming", "run", "bell")


class Command(BaseCommand):
    """Prepare the data folder, the database, the static files and the first administrator."""

    help = (
        "Create the data folder, bring the database up to date, collect static files and create the first "
        "administrator. Running it again changes only what is out of date."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        self.verbosity = int(options["verbosity"])
        try:
            with only_one(settings.CALLCOV_DATA_DIR):
                self.migrate()
                self.collect_static_files()
                self.create_administrator()
        except OSError as error:
            raise CommandError(
                f"The data folder cannot be used: {error}. CALLCOV_DATA_DIR may name another one."
            ) from error
        except DatabaseError as error:
            if type(error) not in {DatabaseError, OperationalError}:
                raise  # a fault of ours
            raise CommandError(
                f"The database cannot be used: {str(error).strip()}. Check CALLCOV_DATABASE_URL."
            ) from error

    def tell(self, text: str) -> None:
        if self.verbosity:
            self.stdout.write(text)

    def migrate(self) -> None:
        executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            self.tell("Bringing the database up to date …")
            call_command("migrate", interactive=False, verbosity=0)

    def collect_static_files(self) -> None:
        stamp, now = Path(settings.STATIC_ROOT) / ".collected", fingerprint_of_static_files()
        if stamp.exists() and stamp.read_text() == now:
            return
        self.tell("Collecting static files …")
        call_command("collectstatic", interactive=False, verbosity=0)
        stamp.write_text(now)

    def create_administrator(self) -> None:
        """Create it only while there are no users at all: a deleted administrator does not come back."""
        if User.objects.exists():
            return
        given = settings.CALLCOV_ADMIN_PASSWORD
        password = given or secrets.token_urlsafe(15)
        user = User(username=User.normalize_username(settings.CALLCOV_ADMIN_USER), role=Role.ADMINISTRATOR)
        try:
            user.clean_fields(exclude=["password"])
            validate_password(password, user)
        except ValidationError as error:
            raise CommandError(
                f"CALLCOV_ADMIN_USER or CALLCOV_ADMIN_PASSWORD cannot be used: {' '.join(error.messages)}"
            ) from error
        user.set_password(password)
        user.save()
        shown = "the password from CALLCOV_ADMIN_PASSWORD" if given else f"password {password} (shown only this once)"
        self.stdout.write(f"First administrator: name {user.username}, {shown}")


@contextmanager
def only_one(data: Path) -> Iterator[None]:
    """Make the data folder and let one set-up at a time into it; another one waits here."""
    for name in FOLDERS:
        (data / name).mkdir(parents=True, exist_ok=True)
    with suppress(PermissionError):  # a folder that somebody else made for us keeps the rights that it has
        data.chmod(0o700)
    with (data / "run" / "setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def fingerprint_of_static_files() -> str:
    """Return a text that changes when a static file is added, removed, or changed in size or time."""
    digest = hashlib.sha256()
    for finder in get_finders():
        for path, storage in finder.list([]):
            status = Path(storage.path(path)).stat()
            digest.update(f"{path}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()
