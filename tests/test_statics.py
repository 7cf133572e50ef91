"""Addresses of style sheets and scripts."""

import json

import pytest

from callcov_portal.statics import Statics


def test_a_file_has_the_hash_of_its_content_in_its_address(tmp_path, settings, monkeypatch):
    settings.STATIC_ROOT, settings.STATIC_URL = str(tmp_path), "/static/"
    (tmp_path / "staticfiles.json").write_text(
        json.dumps({"version": "1.1", "paths": {"css/a.css": "css/a.0123.css"}, "hash": ""})
    )
    statics = Statics()
    assert statics.url("css/a.css") == "/static/css/a.0123.css"
    monkeypatch.setattr(statics, "stored_name", lambda _name: pytest.fail("it is known"))
    assert statics.url("css/a.css") == "/static/css/a.0123.css"


def test_a_file_that_is_not_there_is_told(tmp_path, settings):
    settings.STATIC_ROOT = str(tmp_path)
    with pytest.raises(ValueError, match="Missing staticfiles manifest entry"):
        Statics().url("css/other.css")
