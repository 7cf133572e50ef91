"""How the fields of forms are written: the usual ones without a template each, which for a list's filters is most of the page.

They come out as Django's own templates write them; a test holds both beside each other. What is not known here has its template.
"""

from collections.abc import Callable, Mapping
from typing import Any

from django.forms.renderers import DjangoTemplates
from django.http import HttpRequest
from django.utils.safestring import SafeString, mark_safe

from callcov_portal.markup import safe

Widget = Mapping[str, Any]  # what Django tells a widget's template


def attributes(widget: Widget) -> str:
    """Write the attributes; True stands for one without a value, False for none."""
    return "".join(
        f" {safe(name)}" if value is True else f' {safe(name)}="{safe(value)}"'
        for name, value in widget["attrs"].items()
        if value is not False
    )


def written_input(widget: Widget) -> str:
    """Write an input of any type."""
    value = "" if widget["value"] is None else f' value="{safe(widget["value"])}"'
    return f'<input type="{safe(widget["type"])}" name="{safe(widget["name"])}"{value}{attributes(widget)}>'


def written_box(widget: Widget) -> str:
    """Write one box of several, in a label where one is asked for."""
    if not widget.get("wrap_label"):
        return written_input(widget)
    goes_with = f' for="{safe(widget["attrs"]["id"])}"' if widget["attrs"].get("id") else ""
    return f"<label{goes_with}>{written_input(widget)} {safe(widget['label'])}</label>"


def written_select(widget: Widget) -> str:
    """Write a select with its options."""
    groups = "".join(written_group(name, options) for name, options, _ in widget["optgroups"])
    return f'<select name="{safe(widget["name"])}"{attributes(widget)}>{groups}\n</select>'


def written_group(name: str | None, options: list[Widget]) -> str:
    """Write options, under the name of their group if they have one."""
    written = "".join(
        f'\n  <option value="{safe(option["value"])}"{attributes(option)}>{safe(option["label"])}</option>'
        for option in options
    )
    return f'\n  <optgroup label="{safe(name)}">{written}\n  </optgroup>' if name else written


WRITERS: dict[str, Callable[[Widget], str]] = {
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
            return super().render(template_name, context, request)
        return mark_safe(write(context["widget"]))  # noqa: S308  `safe` was asked for every value
