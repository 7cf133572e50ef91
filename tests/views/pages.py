"""A page as its reader sees it."""

import re
from html import unescape


def text_of(response) -> str:
    """Return the words of a page, without tags and with single spaces."""
    body = re.sub(r"<(script|style)\b.*?</\1>", " ", response.content.decode(), flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body))).strip()


def links_of(response) -> list[str]:
    """Return where the links of a page lead."""
    return [unescape(link) for link in re.findall(r'<a\b[^>]*?\bhref="([^"]*)"', response.content.decode())]


def link_named(response, pattern: str) -> str:
    """Return where the one link leads whose words match the pattern."""
    body = response.content.decode()
    found = [
        unescape(href)
        for href, words in re.findall(r'<a\b[^>]*?\bhref="([^"]*)"[^>]*>(.*?)</a>', body, flags=re.DOTALL)
        if re.fullmatch(pattern, re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", "", words))).strip())
    ]
    assert len(found) == 1, found
    return found[0]


def numbers_of(response) -> list[tuple[str, int]]:
    """Return every number that is a link to the list of calls, with that link."""
    body = response.content.decode()
    found = re.findall(r'<a\b[^>]*?\bhref="(/calls/\?[^"]*)"[^>]*>([\d,]+)</a>', body)
    return [(unescape(link), int(number.replace(",", ""))) for link, number in found]
