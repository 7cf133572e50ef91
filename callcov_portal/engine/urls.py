"""The engine's addresses; they are served on a port of their own and never by the portal."""

from django.urls import path

from callcov_portal.engine import views

urlpatterns = [
    path("health", views.health, name="health"),
    path("api/v1/", views.api.urls),
]

handler400 = views.any_error(400)
handler403 = views.any_error(403)
handler404 = views.any_error(404)
handler500 = views.any_error(500)
