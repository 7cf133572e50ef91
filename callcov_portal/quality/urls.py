"""The addresses of judgement."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
