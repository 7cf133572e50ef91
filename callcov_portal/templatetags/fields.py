"""A field of a form with its label, its help and its errors."""

from django import template
from django.forms import BoundField, CheckboxSelectMultiple
from django.urls import reverse
from django.utils.safestring import SafeString

from callcov_portal.forms import PersonInput
from callcov_portal.markup import Piece, joined

register = template.Library()

FIELD = Piece('<div class="field">\n  <label for="{}">{}{}</label>\n  {}{}{}\n</div>')
OPTIONAL = Piece(' <span class="muted small">optional</span>')()
OFFERING = Piece(
    '<div class="offering" hx-get="{}" hx-trigger="focusin once, input changed delay:200ms from:find input" '
    'hx-include="find input" hx-target="next datalist" hx-swap="innerHTML" hx-push-url="false" hx-sync="this:replace">'
    '{}</div>\n  <datalist id="{}"></datalist>'
)
ERRORS = Piece('\n  <ul class="errors" id="{}_error">{}</ul>')
ERROR = Piece("<li>{}</li>")
HELP = Piece('\n  <div class="help" id="{}_helptext">{}</div>')
BOXES = Piece('<fieldset class="field">\n  <legend>{}</legend>\n  {}{}\n</fieldset>')
BOX = Piece('<label class="check" for="{}">{} {}</label>')
MISTAKE = Piece('<p class="errors">{}</p>')


@register.simple_tag
def field(bound: BoundField, *, plain: bool = False) -> SafeString:
    """Write a field; `plain` leaves out that it is optional.

    A person's field offers who is known, asked while typing. Boxes stand together under the label.
    """
    entry: object = bound
    widget = bound.field.widget
    if isinstance(widget, CheckboxSelectMultiple):
        boxes = joined(BOX(box.id_for_label, box.tag(), box.choice_label) for box in bound)
        return BOXES(bound.label, boxes, joined(map(MISTAKE, bound.errors)))
    if isinstance(widget, PersonInput):
        entry = OFFERING(reverse(widget.url_name), bound, widget.list_id)
    errors = joined(map(ERROR, bound.errors))
    return FIELD(
        bound.id_for_label,
        bound.label,
        "" if plain or bound.field.required else OPTIONAL,
        entry,
        ERRORS(bound.auto_id, errors) if errors else "",
        HELP(bound.auto_id, bound.help_text) if bound.help_text else "",
    )
