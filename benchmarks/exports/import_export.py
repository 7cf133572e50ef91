"""django-import-export as its documentation has it: a resource whose fields are paths of the model, related names among them.

It is handed what its admin's export hands it, the rows of the list with the joins of the list; of more nobody is told.
"""

import os
import sys
from typing import Any

from benchmarks.exports.lines import NAMED, database, named, query
from benchmarks.pages.answering import Doing
from benchmarks.pages.databases import newest


def doings() -> dict[str, Doing]:
    """Return its CSV of the newest calls. It is found where the peers are, behind all that is ours."""
    sys.path.append(os.environ["CALLCOV_BENCH_PEERS"])
    from import_export import resources  # type: ignore[import-untyped]

    from benchmarks.pages.peers.admin import RecordingAdmin
    from callcov_portal import choosing
    from callcov_portal.models import Recording

    meta: dict[str, Any] = {"model": Recording, "fields": tuple(named().values())}
    calls = type("Calls", (resources.ModelResource,), {"Meta": type("Meta", (), meta)})
    asked = newest(database())

    def export() -> None:
        listed = choosing.calls_of(query()).select_related(*RecordingAdmin.list_select_related)
        rows = listed.newest_first()  # type: ignore[attr-defined]
        if calls().export(queryset=rows).csv.count("\n") != asked.calls + 1:
            raise ValueError("django-import-export wrote other rows.")

    return {NAMED: export}
