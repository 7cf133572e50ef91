"""Leads correct who agents and contacts are, and make two of them one."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from callcov_portal import standings, tasks
from callcov_portal.actions import merging, people
from callcov_portal.models import Agent, Contact
from callcov_portal.people_forms import AgentForm, ContactForm, MergeForm
from callcov_portal.views.rendering import PortalRequest


@dataclass(frozen=True)
class Side:
    """One of the two sides of a call: its rows, the form of what may be changed, and its word, which names the page."""

    people: type[Agent] | type[Contact]
    form: type[AgentForm] | type[ContactForm]
    word: str


SIDES = {"agents": Side(Agent, AgentForm, "agent"), "contacts": Side(Contact, ContactForm, "contact")}


def kept_or_404(request: PortalRequest, side: Side, pk: int) -> Any:
    """Return the person; 403 for those who are no leads, 404 for an alias."""
    if not request.user.is_lead:
        raise PermissionDenied("Only a lead changes agents and contacts. Ask one.")
    return get_object_or_404(side.people, pk=pk, merged_into=None)


@require_http_methods(["GET", "HEAD", "POST"])
def person_edit(request: PortalRequest, side: str, pk: int) -> HttpResponse:
    """Show and take the form for name and team; 422 with the form if something cannot be taken."""
    one = SIDES[side]
    person = kept_or_404(request, one, pk)
    initial = {"name": person.name, "team": getattr(person, "team", "")}
    form = one.form(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        people.edit(person, request.user, **form.cleaned_data)
        messages.success(request, "Saved.")
        return redirect(one.word, person.pk)
    return page(request, one, person, form, MergeForm())


@require_POST
def person_merge(request: PortalRequest, side: str, pk: int) -> HttpResponse:
    """Make a person another identifier of the one named; 422 with the form if that cannot be."""
    one = SIDES[side]
    person = kept_or_404(request, one, pk)
    form = MergeForm(request.POST)
    if form.is_valid():
        try:
            merge = people.merge_into(person, form.cleaned_data["identifier"], request.user)
        except (people.NotFound, merging.CannotMerge) as refusal:
            form.add_error("identifier", str(refusal))
        else:
            tasks.ring_chore("merging", merge.pk)
            person.refresh_from_db()
            messages.success(request, f"{person.identifier} is merged: its calls come over here one after the other.")
            return redirect(one.word, person.merged_into_id)
    initial = {"name": person.name, "team": getattr(person, "team", "")}
    return page(request, one, person, one.form(initial=initial), form)


def page(request: PortalRequest, side: Side, person: Any, form: Any, merge_form: MergeForm) -> HttpResponse:
    """Render the page with both forms."""
    context = {
        "side": side,
        "sides": f"{side.word}s",
        "person": person,
        "form": form,
        "merge_form": merge_form,
        "teams": standings.teams(),
        "calls": person.recordings.order_by()[:1001].count(),
    }
    status = 422 if form.errors or merge_form.errors else 200
    return render(request, "people/edit.html", context, status=status)
