"""The libraries of object storage, made to connect where the guard lets them and nowhere else.

They speak HTTP themselves (aiohttp). Names are resolved and checked by us, and each socket is checked once more for
the very address that it is for, which catches addresses written as such. Redirects to other hosts pass the same way.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import aiohttp
import fsspec.asyn
from aiohttp.abc import AbstractResolver, ResolveResult

from cortexia.errors import MissingDependencyError, SourceRefusedError
from cortexia.net import NetPolicy, check_url, checked_addresses, refusal

_CONNECT_S = 10
_READ_S = 30
_GOOGLE = "https://storage.googleapis.com"


class CheckedResolver(AbstractResolver):
    """Answers with addresses that passed the guard. Raises ``SourceRefusedError`` if one of a name's does not."""

    def __init__(self, policy: NetPolicy) -> None:
        self._policy = policy

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        addresses = await loop.run_in_executor(None, checked_addresses, host, port, self._policy)
        return [_answer(host, address, port) for address in addresses]

    async def close(self) -> None:
        """Nothing is held."""


def _answer(host: str, address: str, port: int) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=flags)


def connector_args(policy: NetPolicy) -> dict[str, Any]:
    """Arguments of an aiohttp connector that is guarded."""

    def guarded_socket(info: Any) -> socket.socket:
        if why := refusal(str(info[4][0]), policy):
            raise SourceRefusedError(f"refused: {why}")
        made = socket.socket(info[0], info[1], info[2])
        made.setblocking(False)
        return made

    return {"resolver": CheckedResolver(policy), "socket_factory": guarded_socket}


def s3_filesystem(policy: NetPolicy, endpoint_url: str, instance_credentials: bool) -> Any:
    """A guarded ``s3fs`` file system. A custom endpoint is checked before anything is made (S-03).

    Credentials come from where botocore looks, apart from the metadata service of the machine, which is asked with
    ``instance_credentials`` only. Proxies and endpoints of the environment are not used.
    """
    try:
        import s3fs
        from aiobotocore.session import AioSession
    except ImportError as error:
        raise MissingDependencyError("s3fs", "s3") from error
    if endpoint_url:
        url = check_url(endpoint_url, policy)
        checked_addresses(url.host, url.port or 443, policy)
    session = AioSession()
    if not instance_credentials:
        session.get_component("credential_provider").remove("iam-role")
    filesystem = s3fs.S3FileSystem(
        endpoint_url=endpoint_url or None,
        session=session,
        config_kwargs={
            "connector_args": connector_args(policy),
            "connect_timeout": _CONNECT_S,
            "read_timeout": _READ_S,
            "retries": {"mode": "standard", "max_attempts": policy.attempts},
            "proxies": {},
            "ignore_configured_endpoint_urls": True,
            **({"s3": {"addressing_style": "path"}} if endpoint_url else {}),
        },
        use_listings_cache=False,
        skip_instance_cache=True,
    )
    filesystem.retries = 2  # of s3fs, on top of those of botocore, for bodies that break off
    return filesystem


def gs_filesystem(policy: NetPolicy, credentials_file: str | None, instance_credentials: bool) -> Any:
    """A guarded ``gcsfs`` file system, with the credentials of a file, of the machine where asked for, or none.

    The class that ``gcsfs`` exports would first ask for the kind of the bucket over gRPC, past every guard; this is the
    one below it, which speaks HTTP only.
    """
    try:
        from gcsfs.core import GCSFileSystem
    except ImportError as error:
        raise MissingDependencyError("gcsfs", "gcs") from error
    check_url(_GOOGLE, policy)
    loop = fsspec.asyn.get_loop()
    return GCSFileSystem(
        token=credentials_file or ("google_default" if instance_credentials else "anon"),
        endpoint_url=_GOOGLE,
        session_kwargs={"connector": fsspec.asyn.sync(loop, _connector, policy), "trust_env": False},
        use_listings_cache=False,
        skip_instance_cache=True,
    )


async def _connector(policy: NetPolicy) -> aiohttp.TCPConnector:
    return aiohttp.TCPConnector(**connector_args(policy))
