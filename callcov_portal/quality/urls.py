"""The addresses of judgement."""

from django.urls import URLPattern, path

from callcov_portal.quality import home, views

urlpatterns: list[URLPattern] = [
    path("", home.home, name="home"),
    path("retry/<slug:failure>/", home.retry_these, name="retry_these"),
    path("calls/<int:number>/", views.call, name="call"),
    path("calls/<int:number>/unmask/", views.call_unmask, name="call_unmask"),
    path("calls/<int:number>/swap/", views.call_swap, name="call_swap"),
    path("calls/<int:number>/print/", views.call_print, name="call_print"),
    path("calls/<int:number>/review/", views.review, name="review"),
]
