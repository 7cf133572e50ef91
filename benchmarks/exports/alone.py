"""`python -m benchmarks.exports.alone`: write all calls of the environment's database as CSV to nowhere, and print the peak of memory in MiB."""

import os
from pathlib import Path

import django

from benchmarks.engine.usage import peak_mb


def main() -> float:
    """Return the peak."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "callcov_portal.settings")
    django.setup()
    from callcov_portal.exports import Tally, wish_for
    from callcov_portal.models import Recording

    with Path("/dev/null").open("wb") as nowhere:
        nowhere.writelines(wish_for("calls").chunks(Recording.objects.all(), Tally()))
    return peak_mb(os.getpid())


if __name__ == "__main__":
    print(main())
