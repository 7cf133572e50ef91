"""`python -m tools.screens`: a portal for minutes, pictures of all its pages, and by the exit status whether all are well."""

import os
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.screens.portal import PASSWORD, ROOT, environment, served, until

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tools.screens.pages import Page
    from tools.screens.scene import Scene

ANALYSED_SECONDS = 1500.0
CALLS, AGENTS, WITH_AUDIO = 3000, 24, 12
COPY = ROOT / "tests" / "calls" / "call1_payment.mono.mp3"  # of one of the example calls, in another file


def main() -> int:
    """Return the exit status."""
    parser = ArgumentParser(prog="tools.screens", description=__doc__)
    parser.add_argument("--into", type=Path, default=ROOT / "docs" / "screens")
    parser.add_argument(
        "--only", default="", metavar="NAMES", help="of pages, separated by commas; leaves the index alone"
    )
    asked = parser.parse_args()
    asked.into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="callcov-screens-") as folder:
        start_django(Path(folder))
        with served(Path(folder) / "portal.log") as address:
            troubles = pictures(address, asked.into, [name for name in asked.only.split(",") if name])
    print("\n".join(troubles) or "Every page is well.", file=sys.stderr)
    return 1 if troubles else 0


def start_django(folder: Path) -> None:
    """Make this process part of the portal in `folder`, and set that up."""
    for name in [name for name in os.environ if name.startswith("CALLCOV_")]:
        del os.environ[name]
    os.environ.update(environment(folder), DJANGO_SETTINGS_MODULE="callcov_portal.settings")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # Playwright's loop looks to Django like asynchronous code
    import django

    django.setup()
    from django.core.management import call_command

    call_command("setup", verbosity=0)


def pictures(address: str, into: Path, only: Sequence[str]) -> list[str]:
    """Take all pages, first with nothing in them, then with everything; return what is wrong with them."""
    from tools.screens import index
    from tools.screens.looking import chromium
    from tools.screens.pages import EMPTY, PAGES

    chosen = [page for page in (*PAGES, *EMPTY) if not only or page.name in only]
    troubles: list[str] = []
    with chromium() as browser:
        troubles += looks(browser, address, {}, [page for page in chosen if page in EMPTY], into)
        scene = staged()
        troubles += looks(browser, address, scene, [page for page in chosen if page in PAGES], into)
    if not only:
        index.write(into, (*PAGES, *EMPTY))
    return troubles


def staged() -> "Scene":
    """Fill the portal, and return when the example calls are analysed, drawn and muted."""
    from django.core.management import call_command

    from callcov_portal.models import Failure, Recording, State, Unindexed, User
    from tools.screens.scene import stage

    scene = stage(User.objects.get(username="dora"), calls=CALLS, agents=AGENTS, with_audio=WITH_AUDIO)
    call_command("demo", verbosity=0)
    real = Recording.objects.filter(is_demo=False).exclude(file="")
    print("Analysing the example calls …", file=sys.stderr)
    until(lambda: real.filter(state=State.COMPLETED).count() == 2 and not Unindexed.objects.exists(), ANALYSED_SECONDS)
    muted, call = real.order_by("pk").values_list("pk", flat=True)
    call_command("import", COPY, agent="rachel", contact="cust-1", user="dora", wait=True, verbosity=0)
    same = real.get(failure=Failure.DUPLICATE)
    return scene | {"call": call, "muted": muted, "same": same.pk}


def looks(browser: "Browser", address: str, scene: Mapping[str, Any], pages: Sequence["Page"], into: Path) -> list[str]:
    """Take some pages in every width and scheme; return what is wrong with them."""
    from tools.screens.index import file_name
    from tools.screens.looking import SCHEMES, WIDTHS, overheard, picture, problems, visit

    troubles: list[str] = []
    session = sign_in(browser, address)
    for scheme in SCHEMES:
        for width, height in WIDTHS.items():
            for page in pages:
                print(f"{page.name}, {width} px, {scheme}", file=sys.stderr)
                context = browser.new_context(
                    viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce",
                    storage_state=None if page.is_public else session, locale="en-GB", timezone_id="Europe/London",
                )  # fmt: skip
                shown = context.new_page()
                told = overheard(shown)
                visit(shown, address + page.address(scene))
                found = [*problems(shown), *told]
                troubles += [f"{page.name}, {width} px, {scheme}: {one}" for one in found]
                picture(shown, into / file_name(page, width, scheme))
                context.close()
    return troubles


def sign_in(browser: "Browser", address: str) -> Any:
    """Return the state of a browser in which the administrator is signed in."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{address}/login/")
    page.get_by_label("Username").fill("dora")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{address}/")
    state = context.storage_state()
    context.close()
    return state


if __name__ == "__main__":
    sys.exit(main())
