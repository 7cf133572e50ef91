"""The portal's addresses. Judgement's come first: a page that mixes it with evidence is its page."""

from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from callcov_portal.views import accounts

# Signing in and out, the own password.
account_urls: list[URLPattern | URLResolver] = [
    path("login/", accounts.sign_in, name="login"),
    path("logout/", accounts.sign_out, name="logout"),
    path("password/", accounts.password_change, name="password_change"),
]

# Calls and what belongs to one call.
call_urls: list[URLPattern | URLResolver] = []

# Agents and contacts.
person_urls: list[URLPattern | URLResolver] = []

# Users of the portal.
user_urls: list[URLPattern | URLResolver] = []

# Status and health.
system_urls: list[URLPattern | URLResolver] = []

# Downloads.
export_urls: list[URLPattern | URLResolver] = []

# Where the API reports news.
hook_urls: list[URLPattern | URLResolver] = []

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("callcov_portal.quality.urls")),
    path("", RedirectView.as_view(pattern_name="calls"), name="home"),
    *account_urls,
    *call_urls,
    *person_urls,
    *user_urls,
    *system_urls,
    *export_urls,
    *hook_urls,
]
