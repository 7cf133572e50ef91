"""Run by the peers' own Python: Datasette's page of the table of calls, and its stream. `tables.py <database> <agent> <since> <until> <calls> <columns>`."""

import asyncio
import sys
from pathlib import Path

from datasette.app import Datasette  # type: ignore[import-not-found]

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import answering  # type: ignore[import-not-found]


def main(database: str, agent: str, since: str, until: str, calls: str, columns: str) -> None:
    """Do what is asked for until nobody asks."""
    loop = asyncio.new_event_loop()
    settings = {"default_page_size": 50, "max_csv_mb": 0, "sql_time_limit_ms": 600_000}
    datasette = Datasette([database], settings=settings)
    address = (
        f"/{Path(database).stem}/portal_recording?agent_id__exact={agent}&state__exact=completed&_sort_desc=called_at"
    )

    wanted = "&".join(f"_col={name}" for name in columns.split(","))
    stream = f"/{Path(database).stem}/portal_recording.csv?_stream=on&_size=max&_sort_desc=called_at&called_at__gte={since}&called_at__lt={until}%2024&{wanted}"

    def csv() -> None:
        response = loop.run_until_complete(datasette.client.get(stream))
        if response.status_code != 200 or response.content.count(b"\n") != int(calls) + 1:
            raise ValueError(f"{stream}: {response.status_code} {response.text[:300]}")

    def table() -> None:
        response = loop.run_until_complete(datasette.client.get(address))
        if response.status_code != 200:
            raise ValueError(f"{address}: {response.status_code} {response.text[:300]}")

    answering.serve({"table": table, "csv": csv})


if __name__ == "__main__":
    main(*sys.argv[1:])
