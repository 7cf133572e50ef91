"""The table of contents of the pictures, which GitHub shows."""

from collections.abc import Sequence
from pathlib import Path

from tools.screens.looking import SCHEMES, WIDTHS
from tools.screens.pages import Page

HEAD = """# Every page

`make screens` writes these pictures: of a portal with invented calls and the two example calls, which the embedded engine
has really analysed. A click shows a picture in full; what is below 1,500 pixels is left out.

"""
THUMBS = {1440: 260, 390: 75}


def file_name(page: Page, width: int, scheme: str) -> str:
    """Return the file of one picture."""
    return f"{page.name}-{width}-{scheme}.webp"


def write(folder: Path, pages: Sequence[Page]) -> None:
    """Write README.md with a row for each page, and remove pictures of pages that are no more."""
    looks = [(width, scheme) for width in WIDTHS for scheme in SCHEMES]
    lines = [f"| page | {' | '.join(f'{width} px, {scheme}' for width, scheme in looks)} |", "|---" * 5 + "|"]
    for page in pages:
        cells = [thumb(page, width, scheme) for width, scheme in looks]
        lines.append(f"| **{page.title}** | {' | '.join(cells)} |")
    (folder / "README.md").write_text(HEAD + "\n".join(lines) + "\n")
    known = {file_name(page, width, scheme) for page in pages for width, scheme in looks}
    for old in folder.glob("*.webp"):
        if old.name not in known:
            old.unlink()


def thumb(page: Page, width: int, scheme: str) -> str:
    """Return one picture, small, as a link to itself."""
    name = file_name(page, width, scheme)
    return f'[<img src="{name}" width="{THUMBS[width]}" alt="{page.title}, {width} px, {scheme}">]({name})'
