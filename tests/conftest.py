"""Fixtures for everybody: the shared data, where it is, and clips that are generated once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cortexia.testing import Truth, VideoSpec, make_video

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Real clips and their ground truth; ``CORTEXIA_TEST_DATA`` says where."""
    folder = Path(os.environ.get("CORTEXIA_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("the shared test data is not here; set CORTEXIA_TEST_DATA")
    return folder.resolve()


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, VideoSpec], tuple[Path, Truth]]:
    """``clips(name, spec)``: a clip and its truth; made once for a name."""
    folder = tmp_path_factory.mktemp("clips")
    made: dict[str, tuple[Path, Truth]] = {}

    def clip(name: str, spec: VideoSpec) -> tuple[Path, Truth]:
        if name not in made:
            made[name] = folder / name, make_video(folder / name, spec)
        return made[name]

    return clip


AWS_VARIABLES = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE", "AWS_SESSION_TOKEN")


@pytest.fixture
def no_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this machine's own cloud set-up is seen."""
    for name in (*AWS_VARIABLES, "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_EC2_METADATA_DISABLED"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))


@pytest.fixture
def credentials(no_credentials: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials that a server for tests takes."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


class Bucket:
    """The bucket ``clips`` of an S3 server on loopback."""

    def __init__(self, url: str) -> None:
        import boto3

        self.url = url
        self._client = boto3.client(
            "s3",
            endpoint_url=url,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
            region_name="us-east-1",
        )
        self._client.create_bucket(Bucket="clips")

    def put(self, key: str, body: bytes) -> None:
        self._client.put_object(Bucket="clips", Key=key, Body=body)

    def get(self, key: str) -> bytes:
        return self._client.get_object(Bucket="clips", Key=key)["Body"].read()


@pytest.fixture(scope="session")
def s3_server() -> Iterator[Bucket]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield Bucket(f"http://{host}:{port}")
    server.stop()


@pytest.fixture
def s3(s3_server: Bucket, credentials: None) -> Bucket:
    """A real S3 server, and the credentials to use it."""
    return s3_server
