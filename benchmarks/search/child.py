"""`python -m benchmarks.search.child`: the process of a database of `kept`, of which the environment says where it is."""

import json
import sys

import django

from benchmarks.pages.answering import serve
from benchmarks.search.kept import planted_in


def main() -> None:
    """Do what is asked for until nobody asks."""
    answers, sys.stdout = sys.stdout, sys.stderr  # whatever is printed must not stand among the answers
    django.setup()
    from benchmarks.search.ways import doings

    serve(doings(json.loads(planted_in().read_text())), answers=answers)


if __name__ == "__main__":
    main()
