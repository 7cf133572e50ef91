"""Run by the peers' own Python: Datasette's page of the table of calls. `tables.py <database> <agent>`."""

import asyncio
import sys
from pathlib import Path

from datasette.app import Datasette  # type: ignore[import-not-found]

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import answering  # type: ignore[import-not-found]


def main(database: str, agent: str) -> None:
    """Do what is asked for until nobody asks."""
    loop = asyncio.new_event_loop()
    datasette = Datasette([database], settings={"default_page_size": 50})
    address = (
        f"/{Path(database).stem}/portal_recording?agent_id__exact={agent}&state__exact=completed&_sort_desc=called_at"
    )

    def table() -> None:
        response = loop.run_until_complete(datasette.client.get(address))
        if response.status_code != 200:
            raise ValueError(f"{address}: {response.status_code} {response.text[:300]}")

    answering.serve({"table": table})


if __name__ == "__main__":
    main(*sys.argv[1:])
