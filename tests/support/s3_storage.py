"""S3-compatible storage on this computer: moto's server, and another client's eyes on it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": "/nonexistent",
    "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
}
_FOREIGN = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE", "AWS_SESSION_TOKEN")


class Storage:
    """What it holds outlives its being down."""

    def __init__(self) -> None:
        self._server = _started(0)
        _, self._port = self._server.get_host_and_port()
        self.endpoint_url = f"http://127.0.0.1:{self._port}"
        self._client: Any = boto3.client("s3", endpoint_url=self.endpoint_url)
        self._buckets = 0

    def new_bucket(self) -> str:
        """Return the name of an empty bucket."""
        self._buckets += 1
        name = f"bucket-{self._buckets}"
        self._client.create_bucket(Bucket=name)
        return name

    def objects(self, bucket: str) -> dict[str, bytes]:
        """Everything in a bucket."""
        listed = self._client.list_objects_v2(Bucket=bucket).get("Contents", [])
        return {one["Key"]: self.get(bucket, one["Key"]) for one in listed}

    def get(self, bucket: str, key: str) -> bytes:
        content: bytes = self._client.get_object(Bucket=bucket, Key=key)["Body"].read()
        return content

    def put(self, bucket: str, key: str, content: bytes) -> None:
        """Write behind HQ's back."""
        self._client.put_object(Bucket=bucket, Key=key, Body=content)

    def remove(self, bucket: str, key: str) -> None:
        self._client.delete_object(Bucket=bucket, Key=key)

    @contextmanager
    def down(self) -> Iterator[None]:
        """Nobody listens while the block lasts."""
        self._server.stop()
        try:
            yield
        finally:
            self._server = _started(self._port)

    def close(self) -> None:
        self._client.close()
        self._server.stop()


def _started(port: int) -> ThreadedMotoServer:
    server = ThreadedMotoServer("127.0.0.1", port, verbose=False)
    server.start()
    return server


@contextmanager
def s3_storage() -> Iterator[Storage]:
    """Run a storage, and let the environment hold credentials for it."""
    with pytest.MonkeyPatch.context() as environment:
        for name, value in _ENVIRONMENT.items():
            environment.setenv(name, value)
        for name in _FOREIGN:
            environment.delenv(name, raising=False)
        storage = Storage()
        try:
            yield storage
        finally:
            storage.close()
