"""`python -m benchmarks.pages.child <place>`: the process of one database, or of Django's admin on it."""

import os
import sys

import django

from benchmarks.pages.answering import serve
from benchmarks.pages.values import ADMIN


def main(place: str) -> None:
    """Do what is asked for until nobody asks."""
    settings = "benchmarks.pages.peers.admin_settings" if place == ADMIN else "callcov_portal.settings"
    os.environ["DJANGO_SETTINGS_MODULE"] = settings
    answers, sys.stdout = sys.stdout, sys.stderr  # whatever is printed must not stand among the answers
    django.setup()
    if place == ADMIN:
        from benchmarks.exports import import_export
        from benchmarks.pages.peers import admin

        serve(admin.doings() | import_export.doings(), answers=answers)
    else:
        from benchmarks.groups import GROUPS

        places = [(module, module.doings(place)) for module in GROUPS]
        try:
            serve({name: doing for _, doings in places for name, doing in doings.items()}, answers=answers)
        finally:
            for module, _ in places:
                getattr(module, "close", lambda: None)()


if __name__ == "__main__":
    main(sys.argv[1])
