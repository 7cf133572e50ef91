"""Addresses in templates: what varies is asked for on every page, what is the same once."""

import pytest
from django.template import Context, Template, TemplateSyntaxError
from django.urls import NoReverseMatch, reverse

PLACES = [
    ("{% url 'calls' %}", reverse("calls")),
    ("{% url 'call' 7 %}", reverse("call", args=[7])),
    ("{% url 'call' number=7 %}", reverse("call", args=[7])),
    ("{% url 'export' 'calls' %}", reverse("export", args=["calls"])),
]
VARYING = [
    "{% url 'call' number %}",
    "{% url 'call' number=number %}",
    "{% url 'call' '7'|add:number %}",
    "{% url name number %}",
    "{% url 'call' number as there %}{{ there }}",
]


@pytest.fixture
def asked(monkeypatch) -> list[str]:
    """The places whose addresses were asked for."""
    seen: list[str] = []

    def noted(name, *given, **more):
        seen.append(name)
        return reverse(name, *given, **more)

    monkeypatch.setattr("django.urls.reverse", noted)
    return seen


@pytest.mark.parametrize(("text", "address"), PLACES)
def test_an_address_in_which_nothing_varies_is_asked_for_once(text, address, asked):
    template = Template(text)
    assert [template.render(Context({"number": number})) for number in (1, 2)] == [address, address]
    assert len(asked) == 1


@pytest.mark.parametrize("text", VARYING)
def test_an_address_that_varies_is_that_of_each_page(text, asked):
    template = Template(text)
    for number in (1, 23):
        found = template.render(Context({"name": "call", "number": number}))
        assert found == reverse("call", args=[7 + number if "add" in text else number])
    assert len(asked) == 2


def test_a_place_that_is_not_there_is_told():
    with pytest.raises(NoReverseMatch):
        Template("{% url 'nowhere' %}").render(Context())
    with pytest.raises(TemplateSyntaxError):
        Template("{% url %}")
