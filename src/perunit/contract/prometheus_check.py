"""What scraping, exporting and remote writing must say. Enters: their parts of a contract. Leaves: faults."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from perunit.contract.document import Path, shown
from perunit.contract.findings import Findings, declared
from perunit.contract.kafka_check import measure_names

if TYPE_CHECKING:
    from perunit.contract.shape import Contract, Endpoint, Export, RemoteWrite, Scrape

__all__ = ["check_prometheus", "seconds_of"]

_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SECONDS = {"s": 1, "m": 60, "h": 3600}
# What an export's series carry beside its dimensions.
_OWN_LABELS = ("export", "unit", "window", "currency", "job", "instance")


def seconds_of(duration: str) -> int:
    """A duration in seconds.

    >>> seconds_of("15s"), seconds_of("2m")
    (15, 120)
    """
    return int(duration[:-1]) * _SECONDS[duration[-1]]


def check_prometheus(contract: Contract, found: Findings) -> None:
    """Every target, export and the address that is written to."""
    for name, scrape in contract.scrape.items():
        _check_scrape(("scrape", name), scrape, found)
        if seconds_of(scrape.every) > contract.limits.hold_seconds:
            rule = (
                f"is longer than limits.hold_seconds ({contract.limits.hold_seconds}), so what gauges held is unknown"
            )
            found.note(("scrape", name, "every"), rule, "raise the limit if a mapping uses held", scrape.every)
    if contract.scrape and not any(source.format == "prometheus" for source in contract.sources.values()):
        rule = "must be mapped, and no source has the format prometheus"
        found.fault(("scrape",), rule, "add a source with format: prometheus", got="")
    for name, export in contract.export.items():
        _check_export(("export", name), export, contract, found)
    if contract.remote_write is not None:
        _check_remote_write(("remote_write",), contract.remote_write, contract, found)


def _check_scrape(path: Path, scrape: Scrape, found: Findings) -> None:
    one = isinstance(found.document.get((*path, "url")), str)
    for index, url in enumerate(scrape.url):
        _check_url((*path, "url") if one else (*path, "url", index), url, found)
    if len(set(scrape.url)) < len(scrape.url):
        found.fault((*path, "url"), "must name each target once", "take the repeated one away", got="")
    for label in scrape.labels:
        if not _LABEL.fullmatch(label) or label in {"job", "instance", "__name__"}:
            rule = "must be letters, digits and _, and not job or instance"
            found.fault((*path, "labels", label), rule, "rename the label", shown(label))
    if seconds_of(scrape.timeout) > seconds_of(scrape.every):
        found.fault((*path, "timeout"), "must not be longer than every", f"write {scrape.every}", scrape.timeout)
    _check_endpoint(path, scrape, found)


def _check_url(path: Path, url: str, found: Findings) -> None:
    try:
        parts = urlsplit(url)
        sound = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        sound = False
    if not sound:
        found.fault(
            path, "must be http:// or https:// and a host", "write for example http://host:9100/metrics", shown(url)
        )
    elif parts.username is not None or parts.password is not None:
        rule = "must not hold a name or password: the file is no place for credentials"
        found.fault(path, rule, "use token_variable or token_file", got="")


def _check_endpoint(path: Path, endpoint: Endpoint, found: Findings) -> None:
    if endpoint.token_variable is not None:
        at = (*path, "token_variable")
        if not _VARIABLE.fullmatch(endpoint.token_variable):
            # What stands there may be the token itself: it is not repeated.
            found.fault(at, "must be the name of an environment variable", "write for example NODE_TOKEN", got="")
        elif endpoint.token_file is not None:
            found.fault(at, "must not stand beside token_file", "take one of the two away")
    if endpoint.ca_file is not None and not endpoint.verify:
        found.fault((*path, "ca_file"), "must not stand beside verify: false", "take one of the two away")


def _check_export(path: Path, export: Export, contract: Contract, found: Findings) -> None:
    if export.unit is not None:
        found.known((*path, "unit"), export.unit, declared(found, "units"), "a unit type", "declare it under units")
    for index, dimension in enumerate(export.by):
        at = (*path, "by", index)
        if dimension in _OWN_LABELS:
            found.fault(at, f"must not be {dimension}, which is a label of its own", "rename the segment")
        mend = "map it as a segment of a source or event"
        found.known(at, dimension, contract.dimensions(), "a segment", mend)
    for index, measure in enumerate(export.measures):
        mend = "see perunit measures"
        found.known((*path, "measures", index), measure, measure_names(contract), "a measure", mend)


def _check_remote_write(path: Path, remote: RemoteWrite, contract: Contract, found: Findings) -> None:
    _check_url((*path, "url"), remote.url, found)
    _check_endpoint(path, remote, found)
    if not contract.export:
        found.fault(path, "must have something to write", "add an export", got="")
