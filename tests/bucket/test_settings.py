"""The settings of a bucket: what is taken, and what is refused in words."""

import pytest
from botocore.exceptions import ClientError
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from environs import ValidationError

from callcov_portal import checks, environment, storage
from callcov_portal.storage import StorageAway
from tests.s3 import storage_at


@pytest.mark.parametrize("name", ["ab", "Recordings", "-a-", "a_b", "s3://bucket", "a" * 64])
def test_what_no_bucket_is_called_is_refused(name):
    with pytest.raises(ValidationError, match="name of a bucket"):
        environment.a_bucket(name)


@pytest.mark.parametrize("path", ["/a", "a//b", "a/../b", "..", "./a", "a/.", "/", "a b", "a?b"])
def test_what_no_name_begins_with_is_refused(path):
    with pytest.raises(ValidationError, match="beginning of a name"):
        environment.a_prefix(path)


def test_a_bucket_and_a_beginning_are_taken():
    for name in ("", "qa-recordings.example", "abc"):
        environment.a_bucket(name)
    for path in ("", "a", "portal/recordings", "portal/recordings/"):
        environment.a_prefix(path)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"KEY": "k", "SECRET": "s"}, "CALLCOV_STORAGE_BUCKET is not: name the bucket"),
        ({"BUCKET": "b", "KEY": "k"}, "CALLCOV_STORAGE_SECRET is not: set both or none"),
        ({"BUCKET": "b", "SECRET": "s"}, "CALLCOV_STORAGE_KEY is not: set both or none"),
    ],
)
def test_settings_of_the_storage_that_make_no_sense_are_named(settings, given, why):
    for name, value in given.items():
        setattr(settings, f"CALLCOV_STORAGE_{name}", value)
    (problem,) = checks.settings_make_sense()
    assert why in problem.msg
    assert problem.id == "portal.E005"


def test_nginx_cannot_send_what_is_in_a_bucket(settings):
    settings.CALLCOV_STORAGE_BUCKET, settings.CALLCOV_AUDIO_ACCEL = "calls", "/stored/"
    (problem,) = checks.settings_make_sense()
    assert "CALLCOV_AUDIO_ACCEL is for recordings in a folder" in problem.msg


def test_a_bucket_that_is_none_or_a_key_that_is_refused_is_said_in_words(in_bucket, settings, monkeypatch):
    settings.STORAGES = {
        **settings.STORAGES,
        "default": storage_at(settings.CALLCOV_STORAGE_ENDPOINT, "no-such-bucket"),
    }
    for ask in (
        lambda: default_storage.exists("a"),
        storage.bucket().look,
        lambda: default_storage.save("a", ContentFile(b"a")),
        lambda: list(storage.bucket().contents()),
        lambda: default_storage.open("a"),
    ):
        with pytest.raises(StorageAway, match="no bucket of that name"):
            ask()
    for status, code, words in ((403, "AccessDenied", "refuses the key"), (500, "InternalError", "It answered: Oops")):
        error = {"Error": {"Code": code, "Message": "Oops"}, "ResponseMetadata": {"HTTPStatusCode": status}}

        def refuse(error=error, **_asked):
            raise ClientError(error, "HeadBucket")

        monkeypatch.setattr(storage.bucket().made["looks"], "head_bucket", refuse)
        with pytest.raises(StorageAway, match=words):
            storage.bucket().look()
