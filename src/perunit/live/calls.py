"""Calls out over HTTP, within limits. Enters: an endpoint of the contract. Leaves: answers, or why there is none.

Redirects are not followed: whoever answers at a target must not send perunit, and its token, elsewhere.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import urllib3
from urllib3.exceptions import HTTPError, InsecureRequestWarning

from perunit.model.errors import PerunitError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from perunit.contract.shape import Endpoint

__all__ = ["Answer", "CallError", "Caller"]

_READ_BYTES = 1 << 16


class CallError(PerunitError):
    """A call that got no answer that can be used."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the body decompressed, header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Caller:
    """Calls one endpoint; paths it names are below `root`. May be used by several threads."""

    def __init__(self, endpoint: Endpoint, root: Path) -> None:
        self._endpoint, self._root = endpoint, root
        if not endpoint.verify:
            # The contract says that it is meant so.
            urllib3.disable_warnings(InsecureRequestWarning)
        self._pool = urllib3.PoolManager(
            retries=False,
            cert_reqs="CERT_REQUIRED" if endpoint.verify else "CERT_NONE",
            ca_certs=str(root / endpoint.ca_file) if endpoint.ca_file else None,
        )

    def call(
        self,
        method: str,
        url: str,
        *,
        seconds_max: float,
        bytes_max: int,
        headers: Mapping[str, str],
        body: bytes | None = None,
    ) -> Answer:
        """One call, answered within `seconds_max` by at most `bytes_max` bytes. Raises CallError otherwise."""
        end = time.monotonic() + seconds_max
        try:
            response = self._pool.request(
                method,
                url,
                body=body,
                headers={**headers, **self._authorization()},
                timeout=urllib3.Timeout(total=seconds_max),
                redirect=False,
                preload_content=False,
            )
        except (HTTPError, OSError, ValueError) as error:
            raise CallError(f"{url}: does not answer ({_reason(error)})") from error
        try:
            content = _read(response, url, end, bytes_max)
        except (HTTPError, OSError) as error:
            raise CallError(f"{url}: broke off ({_reason(error)})") from error
        finally:
            # What is left unread of an answer that was given up must not be met by the next call.
            response.close()
        return Answer(response.status, {name.lower(): value for name, value in response.headers.items()}, content)

    def close(self) -> None:
        """Lets go of all connections."""
        self._pool.clear()

    def _authorization(self) -> dict[str, str]:
        variable, file = self._endpoint.token_variable, self._endpoint.token_file
        if variable is not None:
            token = os.environ.get(variable, "")
            if not token:
                raise CallError(f"token_variable {variable}: is not set; set it where perunit runs")
        elif file is not None:
            try:
                token = (self._root / file).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise CallError(f"token_file {file}: cannot be read ({_reason(error)}); correct its path") from error
        else:
            return {}
        return {"Authorization": f"Bearer {token}"}


def _read(response: urllib3.BaseHTTPResponse, url: str, end: float, bytes_max: int) -> bytes:
    """The whole body, however slowly it comes, or none."""
    parts: list[bytes] = []
    size = 0
    while part := response.read1(_READ_BYTES, decode_content=True):
        size += len(part)
        if size > bytes_max:
            raise CallError(f"{url}: answers more than {bytes_max:,} bytes; ask it for less or raise bytes_max")
        if time.monotonic() > end:
            raise CallError(f"{url}: takes too long to answer; ask it for less or raise timeout")
        parts.append(part)
    return b"".join(parts)


def _reason(error: BaseException) -> str:
    """Why, in one line; without the token, which no such message has."""
    return str(error).splitlines()[0][:300] if str(error) else type(error).__name__
