"""Django's admin with a list of calls: the columns and filters of ours, as its documentation recommends them."""

from typing import Any

from django.contrib import admin
from django.urls import include, path

from benchmarks.pages.answering import Doing
from benchmarks.pages.asking import NAME, session_cookie
from benchmarks.pages.serving import Page, web
from callcov_portal.models import Agent, Recording, Role, User


class RecordingAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """The list of calls."""

    list_display = (
        "id",
        "state",
        "called_at",
        "agent",
        "contact",
        "duration_seconds",
        "met",
        "violated",
        "omitted",
        "verdict",
    )
    list_filter = (
        "state",
        "verdict",
        "agent",
        "agent__team",
        "called_at",
        "is_violated",
        "is_omitted",
        "is_heard",
        "failure",
        "direction",
        "uploaded_by",
    )
    list_select_related = ("agent", "contact")
    list_per_page = 50


admin.site.register(Recording, RecordingAdmin)
urlpatterns = [path("admin/", admin.site.urls), path("", include("callcov_portal.urls"))]


def doings() -> dict[str, Doing]:
    """Return its pages as something to do over HTTP, for somebody who may see them."""
    made: dict[str, Any] = {"role": Role.ADMINISTRATOR, "password": "!", "is_staff": True, "is_superuser": True}
    user, _ = User.objects.get_or_create(username=f"{NAME}-admin", defaults=made)
    server, cookie = web("callcov_portal.wsgi:application"), session_cookie(user)  # by the settings of this process
    agent = Agent.objects.filter(is_demo=True).order_by("pk")[0].pk
    address = "/admin/portal/recording/"
    return {
        "changelist": Page(
            server, address, cookie, once=True
        ),  # half a minute of a million calls, hundreds of times ours
        "changelist filtered": Page(server, f"{address}?agent__id__exact={agent}&state__exact=completed", cookie),
    }
