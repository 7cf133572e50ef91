"""Fields of forms come out as Django's own templates write them."""

from typing import Any, cast

import pytest
from django import forms
from django.forms.renderers import DjangoTemplates
from django.test.html import parse_html

from callcov_portal.filter_fields import DayInput
from callcov_portal.filters import CallFilter
from callcov_portal.forms import PersonInput
from callcov_portal.markup import MOST, Escapes, Piece, safe
from callcov_portal.widgets import WRITERS, Renderer

NASTY = """<b>&"it's" 100%</b>"""
GROUPS = [("", "Any"), ("Fruit", [("a", "Apple"), ("p", NASTY)]), (1, "One")]
WIDGETS = [
    (forms.TextInput(attrs={"type": "search", "placeholder": NASTY, "disabled": True, "hidden": False}), NASTY),
    (forms.TextInput(), None),
    (forms.NumberInput(attrs={"min": 0, "step": "any"}), 12000.5),
    (forms.HiddenInput(), 0),
    (DayInput(), "2026-03-01"),
    (PersonInput("known_agents", "known-agents"), "Nora"),
    (forms.Select(choices=GROUPS), "p"),
    (forms.Select(choices=GROUPS, attrs={"required": True}), 1),
    (forms.SelectMultiple(choices=GROUPS), ["a", "1"]),
    (forms.CheckboxSelectMultiple(choices=GROUPS), ["p"]),
    (forms.RadioSelect(choices=GROUPS), "a"),
    (forms.CheckboxInput(), True),
    (forms.Textarea(), NASTY),
    (forms.FileInput(), None),
    (forms.MultipleHiddenInput(), [1, 2]),
]


@pytest.mark.parametrize(("widget", "value"), WIDGETS, ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("attrs", [{}, {"id": "id_x", "aria-describedby": "x_help"}])
def test_a_widget_is_written_as_djangos_template_writes_it(widget, value, attrs):
    ours, theirs = (widget.render("x", value, attrs, renderer) for renderer in (Renderer(), DjangoTemplates()))
    assert parse_html(ours) == parse_html(theirs)
    assert hasattr(ours, "__html__")


def test_boxes_one_by_one_are_written_as_djangos_template_writes_them():
    class Boxes(forms.Form):
        fruit = forms.MultipleChoiceField(choices=[("a", "Apple"), ("p", NASTY)], widget=forms.CheckboxSelectMultiple)

    ours, theirs = (Boxes({"fruit": "p"}, renderer=renderer) for renderer in (Renderer(), DjangoTemplates()))
    for one, other in zip(ours["fruit"], theirs["fruit"], strict=True):
        assert parse_html(one.tag()) == parse_html(other.tag())
        assert parse_html(one.tag(wrap_label=True)) == parse_html(other.tag(wrap_label=True))


def test_all_fields_of_the_filters_are_written_without_a_template():
    names = {field.field.widget.template_name for field in CallFilter({}).visible_fields()}
    assert names - {"django/forms/widgets/checkbox_select.html"} <= set(WRITERS)


def test_a_piece_escapes_what_is_no_markup():
    piece = Piece('<a href="{}" style="width: 100%">{}{}</a>')
    link = piece(NASTY, 7, Piece("<b>{}</b>")("<"))
    assert link == ('<a href="&lt;b&gt;&amp;&quot;it&#x27;s&quot; 100%&lt;/b&gt;" style="width: 100%">7<b>&lt;</b></a>')
    assert safe(link) == link
    assert safe(None) == "None"


def test_what_is_kept_of_escaped_texts_has_an_end():
    escapes = Escapes()
    for text in (NASTY * 9, "<", *map(str, range(MOST))):
        assert escapes[text] == escapes[text] == safe(text)
    assert NASTY * 9 not in escapes
    assert len(escapes) <= MOST


def test_choices_that_are_set_in_one_form_are_not_those_of_another():
    one, other, new = (cast("Any", CallFilter({})) for _ in range(3))
    assert one.fields["state"].widget is not other.fields["state"].widget
    one.fields["state"].widget.choices = [("queued", "None but this")]
    one.fields["state"].widget.attrs["class"] = "narrow"
    one.fields["failure"].choices = [("", "None")]
    for form in (other, new):
        assert form.fields["state"].widget.choices == form.fields["state"].choices
        assert "class" not in form.fields["state"].widget.attrs
        assert len(form.fields["failure"].choices) > 1
        assert form.fields["failure"].widget.choices == form.fields["failure"].choices
