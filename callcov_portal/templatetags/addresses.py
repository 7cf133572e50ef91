"""`{% url %}` as Django has it, but for addresses in which nothing varies: a page has two dozen of them, and asks once."""

from django import template
from django.template.base import FilterExpression, Parser, Token, Variable
from django.template.context import Context
from django.template.defaulttags import URLNode
from django.template.defaulttags import url as djangos

register = template.Library()


class Same(template.Node):
    """An address that is the same on every page: nothing in it is a variable."""

    def __init__(self, asked: URLNode) -> None:
        self.asked = asked
        self.found: str | None = None

    def render(self, context: Context) -> str:
        if self.found is None:
            self.found = self.asked.render(context)
        return self.found


@register.tag
def url(parser: Parser, token: Token) -> template.Node:
    """Parse the tag as Django does."""
    asked = djangos(parser, token)
    parts = (asked.view_name, *asked.args, *asked.kwargs.values())
    return asked if asked.asvar or any(map(varies, parts)) else Same(asked)


def varies(part: FilterExpression) -> bool:
    """Say whether a part of an address is different from page to page."""
    return bool(part.filters) or (isinstance(part.var, Variable) and part.var.literal is None)
