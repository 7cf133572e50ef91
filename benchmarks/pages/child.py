"""`python -m benchmarks.pages.child <place>`: the process of one database, or of Django's admin on it."""

import os
import sys
from typing import Any

import django

from benchmarks.pages.answering import serve
from benchmarks.pages.values import ADMIN


def main(place: str) -> None:
    """Do what is asked for until nobody asks."""
    settings = "benchmarks.pages.peers.admin_settings" if place == ADMIN else "callcov_portal.settings"
    os.environ["DJANGO_SETTINGS_MODULE"] = settings
    answers, sys.stdout = sys.stdout, sys.stderr  # whatever is printed must not stand among the answers
    django.setup()
    from benchmarks.pages import serving

    if place == ADMIN:
        from benchmarks.exports import import_export
        from benchmarks.pages.peers import admin

        modules: tuple[Any, ...] = ()
        doings = admin.doings() | import_export.doings()
    else:
        from benchmarks.groups import GROUPS

        modules = GROUPS
        doings = {name: doing for module in GROUPS for name, doing in module.doings(place).items()}
    try:
        serve(doings, answers=answers)
    finally:
        serving.close()
        for module in modules:
            getattr(module, "close", lambda: None)()


if __name__ == "__main__":
    main(sys.argv[1])
