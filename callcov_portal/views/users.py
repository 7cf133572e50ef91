"""The page People: who signs in, and what an administrator does with them."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from callcov_portal.actions import users as actions
from callcov_portal.forms import NewUserForm
from callcov_portal.models import Role, User
from callcov_portal.views.access import administrator_required
from callcov_portal.views.rendering import PortalRequest


@dataclass(frozen=True)
class Issued:
    """A one-time password, to be shown this once."""

    user: User
    password: str


@never_cache
@administrator_required
@require_http_methods(["GET", "HEAD", "POST"])
def people(request: PortalRequest) -> HttpResponse:
    """List the users, and add one: the answer to the form is the only place where the one-time password stands."""
    form = NewUserForm(request.POST or None)
    if request.method != "POST":
        return page(request, form)
    if form.is_valid():
        try:
            user, password = actions.add(form.cleaned_data["username"], Role(form.cleaned_data["role"]), request.user)
        except actions.NotPossible as refusal:
            form.add_error("username", str(refusal))
        else:
            return page(request, NewUserForm(), issued=Issued(user, password))
    return page(request, form, status=422)


@never_cache
@administrator_required
@require_http_methods(["GET", "HEAD", "POST"])
def user_act(request: PortalRequest, pk: int, act: str) -> HttpResponse:
    """Do one thing with one user; 409 with a sentence if it would lock somebody out. A reload leads back to the list."""
    if request.method != "POST":
        return redirect("people")
    user = get_object_or_404(User, pk=pk)
    try:
        password = do(act, user, request)
    except actions.NotPossible as refusal:
        return page(request, NewUserForm(), refusal=str(refusal), status=409)
    if password:
        return page(request, NewUserForm(), issued=Issued(user, password))
    messages.success(request, f"Done: {DONE[act].format(user.username)}")
    return redirect("people")


DONE = {
    "role": "{} has another role now.",
    "deactivate": "{} cannot sign in any more.",
    "unlock": "{} can try to sign in again.",
    "allow-unmasking": "{} may see and hear sensitive data now. Each time is logged.",
    "forbid-unmasking": "{} may not see and hear sensitive data any more.",
}


def do(act: str, user: User, request: PortalRequest) -> str:
    """Do what the address says; return a one-time password if the act gives one, else ""."""
    match act:
        case "role":
            actions.change_role(user, chosen_role(request), request.user)
        case "deactivate":
            actions.deactivate(user, request.user)
        case "unlock":
            actions.unlock(user, request.user)
        case "allow-unmasking":
            actions.allow_unmasking(user, request.user)
        case "forbid-unmasking":
            actions.forbid_unmasking(user, request.user)
        case "reset":
            return actions.reset_password(user, request.user)
        case "reactivate":
            return actions.reactivate(user, request.user)
        case _:
            raise Http404(f"There is no act named {act}.")
    return ""


def chosen_role(request: PortalRequest) -> Role:
    """Return the role that the form names."""
    try:
        return Role(request.POST.get("role", ""))
    except ValueError as error:
        raise BadRequest("Choose one of the roles.") from error


def page(request: PortalRequest, form: NewUserForm, *, status: int = 200, **context: Any) -> HttpResponse:
    """Render the list with the form to add somebody."""
    shown = {
        "form": form,
        "users": User.objects.order_by("-is_active", "username"),
        "roles": Role.choices,
        "locked": actions.locked_names(),
        **context,
    }
    return render(request, "users/list.html", shown, status=status)
