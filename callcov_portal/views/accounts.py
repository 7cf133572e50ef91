"""Signing in and out, and the own password."""

from typing import Any

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash, views
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from callcov_portal.forms import OwnPasswordForm, SignInForm
from callcov_portal.views.rendering import PortalRequest


class SignIn(views.LoginView):
    """The sign-in page; a wrong password answers 422 with the form."""

    template_name = "registration/login.html"
    form_class = SignInForm
    redirect_authenticated_user = True

    def get_success_url(self) -> str:
        """Return where somebody wanted to go; the front page if that is this page again, which would not end."""
        wanted = super().get_success_url()
        return self.get_default_redirect_url() if wanted == self.request.path else wanted

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        self.request.session.clear_expired()  # nobody else removes those that are over
        return super().form_valid(form)

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        response = super().form_invalid(form)
        response.status_code = 422
        return response


class SignOut(views.LogoutView):
    """Signing out; the browser is asked to forget the recordings and pages it has kept."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = super().post(request, *args, **kwargs)
        response.headers["Clear-Site-Data"] = '"cache"'
        return response


sign_in = SignIn.as_view()
sign_out = SignOut.as_view()


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def password_change(request: PortalRequest) -> HttpResponse:
    """Show and take the form of the own password; this person's other sessions end with it."""
    form = OwnPasswordForm(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        request.user.must_change_password = False
        form.save()
        update_session_auth_hash(request, request.user)
        messages.success(request, "Your password is changed.")
        return redirect("home")
    status = 422 if request.method == "POST" else 200
    return render(request, "registration/password_change.html", {"form": form}, status=status)
