"""A real S3 server on 127.0.0.1, spoken to by HTTP, and a portal that keeps its recordings there."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import boto3
from moto.server import ThreadedMotoServer

from callcov_portal import environment

PREFIX = "portal/one"
KEYS = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing", "region_name": "us-east-1"}


@contextmanager
def served() -> Iterator[str]:
    """Serve an S3 from a thread of this process; its address."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def storage_at(address: str, bucket: str) -> dict[str, Any]:
    """Return the default storage in a bucket at an address, as settings.py makes it of its variables."""
    return environment.bucket(
        bucket, endpoint=address, region="us-east-1", key="testing", secret="testing", prefix=PREFIX
    )


@cache
def session() -> boto3.Session:
    """Return a session that lets us in: to begin one takes a quarter of a second."""
    return boto3.Session(**KEYS)


@cache
def client_at(address: str) -> Any:
    """Return a client of one's own."""
    return session().client("s3", endpoint_url=address)


class Kept:
    """The bucket of one test, looked into past the portal; what others keep there lies beside our prefix."""

    def __init__(self, address: str) -> None:
        self.name = f"calls-{uuid.uuid4()}"
        self.client = client_at(address)
        self.client.create_bucket(Bucket=self.name)
        self.client.put_object(Bucket=self.name, Key="portal/other/2026/03/a.wav", Body=b"of another portal")

    def keys(self) -> list[str]:
        """Return the names of all that the portal keeps there."""
        found = self.client.list_objects_v2(Bucket=self.name, Prefix=f"{PREFIX}/").get("Contents", [])
        return [one["Key"].removeprefix(f"{PREFIX}/") for one in found]

    def content(self, name: str) -> bytes:
        """Return the bytes of an object."""
        return bytes(self.client.get_object(Bucket=self.name, Key=f"{PREFIX}/{name}")["Body"].read())

    def put(self, name: str, content: bytes) -> None:
        """Put an object there that the portal knows nothing of."""
        self.client.put_object(Bucket=self.name, Key=f"{PREFIX}/{name}", Body=content)
