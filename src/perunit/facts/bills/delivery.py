"""Which files of a directory are the bill. Enters: a directory, as a provider delivers it. Leaves: its parts.

AWS puts a manifest beside the chunks of a report: it names those of the last assembly, and there may be older ones.
https://docs.aws.amazon.com/cur/latest/userguide/understanding-report-versions.html
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from perunit.model.errors import InputError

__all__ = ["parts_of"]


@dataclass(frozen=True, slots=True)
class _Manifest:
    """One manifest: what it is of (`report`, `period`), which assembly, and the keys of its chunks."""

    path: Path
    report: str
    period: str
    assembly: str
    keys: tuple[str, ...]


def parts_of(path: Path) -> list[Path]:
    """The files to read: `path` itself, the chunks that the manifests below it name, or the directory's files.

    Of several manifests of one report and billing period the outermost counts, which AWS keeps to the last assembly;
    side by side, the one whose folder has the latest date. Raises InputError for a missing chunk or an empty directory.
    """
    if not path.is_dir():
        return [path]
    manifests = [found for each in sorted(path.rglob("*.json")) if (found := _manifest(each)) is not None]
    if manifests:
        return sorted({chunk for each in _current(manifests) for chunk in _chunks(each, path)})
    inside = [each for each in path.iterdir() if not each.name.startswith((".", "_")) and not _describes(each)]
    periods = [each for each in inside if each.is_dir() and each.name.upper().startswith("BILLING_PERIOD=")]
    if periods and len(periods) == len(inside):
        return [part for period in sorted(periods) for part in parts_of(period)]
    if not inside:
        raise InputError(f"{path}: an empty directory, must hold the files of a bill; name the right one")
    return sorted(inside)


def _describes(part: Path) -> bool:
    """Whether a file tells of an export instead of being one."""
    return part.name.lower().endswith("manifest.json")


def _manifest(path: Path) -> _Manifest | None:
    """A manifest of AWS; None for what only has such a name."""
    if not _describes(path):
        return None
    try:
        said: Any = json.loads(path.read_bytes())
    except ValueError as error:
        raise InputError(f"{path}: is no whole manifest ({error}); fetch the delivery again") from error
    keys = (said.get("reportKeys") or said.get("dataFiles")) if isinstance(said, dict) else None
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        return None
    stated = said.get("billingPeriod")
    period = str(stated.get("start")) if isinstance(stated, dict) else _folder(path)
    report = str(said.get("exportArn") or said.get("reportName") or "")
    return _Manifest(path, report, period, str(said.get("executionId") or said.get("assemblyId")), tuple(keys))


def _folder(path: Path) -> str:
    named = [part for part in path.parts if part.upper().startswith("BILLING_PERIOD=")]
    return named[-1] if named else path.parent.name


def _current(manifests: list[_Manifest]) -> list[_Manifest]:
    """The manifest of the last assembly of every report and billing period."""
    groups: dict[tuple[str, str], list[_Manifest]] = {}
    for each in manifests:
        groups.setdefault((each.report, each.period), []).append(each)
    return [_last(group) for group in groups.values()]


def _last(group: list[_Manifest]) -> _Manifest:
    depth = min(len(each.path.parts) for each in group)
    outermost = [each for each in group if len(each.path.parts) == depth]
    if len({each.assembly for each in outermost}) > 1 and not all(
        each.path.parent.name[:4].isdigit() for each in outermost
    ):
        names = ", ".join(each.path.parent.name for each in outermost)
        raise InputError(
            f"{outermost[0].path}: one of {len(outermost)} assemblies of one billing period ({names}), must be one; "
            "name the directory of the last one"
        )
    return max(outermost, key=lambda each: each.path.parent.name)


def _chunks(manifest: _Manifest, root: Path) -> list[Path]:
    if not manifest.keys:
        raise InputError(f"{manifest.path}: names no chunks, must name at least one; fetch the delivery again")
    return [_chunk(manifest, key, root) for key in manifest.keys]


def _chunk(manifest: _Manifest, key: str, root: Path) -> Path:
    """The file of a key: the longest end of the key that is below the manifest's folder or one above it."""
    parts = [part for part in PurePosixPath(key.removeprefix("s3://")).parts if part not in {"/", ".."}]
    above = [folder for folder in manifest.path.parents if folder.is_relative_to(root)]
    for start in range(len(parts)):
        for folder in above:
            if (found := folder.joinpath(*parts[start:])).is_file():
                return found
    raise InputError(
        f"{manifest.path}: the chunk {key} is not there, must be delivered whole; fetch all files of the manifest"
    )
