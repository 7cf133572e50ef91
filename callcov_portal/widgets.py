"""How the fields of forms are written: the usual ones without a template each, which for a list's filters is most of the page.

They come out as Django's own templates write them; a test holds both beside each other. What is not known here has its template.
"""

from collections.abc import Callable, Mapping
from typing import Any, cast

from django.forms.renderers import DjangoTemplates
from django.http import HttpRequest
from django.utils.safestring import SafeString

from callcov_portal.markup import NOTHING, Piece, joined

Widget = Mapping[str, Any]  # what Django tells a widget's template


INPUT = Piece('<input type="{}" name="{}"{}{}>')
VALUE = Piece(' value="{}"')
ATTRIBUTE, MARK = Piece(' {}="{}"'), Piece(" {}")
LABEL = Piece("<label{}>{} {}</label>")
GOES_WITH = Piece(' for="{}"')
SELECT = Piece('<select name="{}"{}>{}\n</select>')
GROUP = Piece('\n  <optgroup label="{}">{}\n  </optgroup>')
OPTION = Piece('\n  <option value="{}"{}>{}</option>')


def attributes(widget: Widget) -> SafeString:
    """Write the attributes; True stands for one without a value, False for none."""
    given = widget["attrs"].items()
    if not given:  # as most options
        return NOTHING
    return joined(
        MARK(name) if value is True else ATTRIBUTE(name, value) for name, value in given if value is not False
    )


def written_input(widget: Widget) -> SafeString:
    """Write an input of any type."""
    value = NOTHING if widget["value"] is None else VALUE(widget["value"])
    return INPUT(widget["type"], widget["name"], value, attributes(widget))


def written_box(widget: Widget) -> SafeString:
    """Write one box of several, in a label where one is asked for."""
    if not widget.get("wrap_label"):
        return written_input(widget)
    name = widget["attrs"].get("id")
    return LABEL(GOES_WITH(name) if name else NOTHING, written_input(widget), widget["label"])


def written_select(widget: Widget) -> SafeString:
    """Write a select with its options."""
    groups = joined(written_group(name, options) for name, options, _ in widget["optgroups"])
    return SELECT(widget["name"], attributes(widget), groups)


def written_group(name: str | None, options: list[Widget]) -> SafeString:
    """Write options, under the name of their group if they have one."""
    written = joined(OPTION(option["value"], attributes(option), option["label"]) for option in options)
    return GROUP(name, written) if name else written


WRITERS: dict[str, Callable[[Widget], SafeString]] = {
    **{f"django/forms/widgets/{kind}.html": written_input for kind in ("text", "number", "date", "datetime", "hidden")},
    "django/forms/widgets/checkbox_option.html": written_box,
    "django/forms/widgets/select.html": written_select,
}


class Renderer(DjangoTemplates):
    """The renderer of all forms."""

    def render(self, template_name: str, context: dict[str, Any], request: HttpRequest | None = None) -> SafeString:
        """Write a widget, or whatever else there is a template for."""
        write = WRITERS.get(template_name)
        if write is None:
            return cast("SafeString", super().render(template_name, context, request))
        return write(context["widget"])
