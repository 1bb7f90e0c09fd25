"""Verbs in the audit. Enters: a verb and what it was given. Leaves: an entry, before the verb changes anything.

Whoever reads the figures of a project on whose files they can run commands has the files themselves: such reading is
not written down. With a key it is.
"""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from perunit.faces.cli.people import ACTOR, actor

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from perunit.access.permit import Viewer
    from perunit.contract.project import Project

__all__ = ["ACTIONS", "ITSELF", "READS", "action_of", "audited"]

# What verbs change, by the action that stands in the audit; those that need no data are told apart below.
ACTIONS: dict[str, str] = {
    **{f"bills {name}": f"bill_{name}" for name in ("import", "replace", "invoice")},
    **{f"reconcile {name}": f"reconcile_{name}" for name in ("accept", "adjust", "reverse", "lock")},
    "prices import": "price_draft",
    "prices approve": "price_approve",
    "prices rollback": "price_rollback",
    "fx import": "rate_import",
    "quarantine replay": "quarantine_replay",
    "backup": "backup",
    "privacy expire": "expire",
    "ingest": "ingest",
    "run": "recompute",
    "export prometheus": "export",
}
# What is written down where it is asked with a key.
READS: dict[str, str] = {
    **dict.fromkeys(("query", "quality", "verify", "restatements", "prices check", "prices preview"), "query"),
    **dict.fromkeys(("reconcile", "bills list", "bills show", "quarantine list", "quarantine show"), "query"),
    "receipt": "receipt",
}
# These write what they do by themselves: they know best what of it may be said.
ITSELF = frozenset(
    {"annotate", "keys add", "keys revoke", "privacy reveal", "privacy erase", "privacy rotate"}
    | {f"users {name}" for name in ("add", "set", "disable", "password", "ticket")}
)
# What no key is needed for and every deployment does all the time would drown the rest.
_ONLY_WITH_KEY = frozenset({"ingest", "run", "export prometheus"})


def action_of(verb: str, viewer: Viewer | None) -> str | None:
    """What a verb is called in the audit; None where it is not written down. `viewer` is whose key it comes with."""
    if viewer is None and verb in _ONLY_WITH_KEY:
        return None
    return ACTIONS.get(verb) or (READS.get(verb) if viewer else None)


@contextmanager
def audited(verb: str, given: Mapping[str, Any], directory: Path, viewer: Viewer | None) -> Iterator[None]:
    """Within it the verb is done; the entry is written once the project is open, before anything is changed.

    A verb that fails after that has a second entry, with why.
    """
    from perunit.wiring import WITNESS

    entry = _Entry(verb, given)
    witness = WITNESS.set(entry.witness if action_of(verb, viewer) else None)
    who = ACTOR.set(viewer)
    try:
        if verb == "prices import":
            from perunit.contract.read import read_project

            # It opens no data.
            entry.witness(read_project(directory))
        yield
    except Exception as error:
        entry.failed(error)
        raise
    finally:
        ACTOR.reset(who)
        WITNESS.reset(witness)


class _Entry:
    """What is written down of one verb."""

    def __init__(self, verb: str, given: Mapping[str, Any]) -> None:
        self._verb, self._given = verb, given
        self._project: Project | None = None

    def witness(self, project: Project) -> None:
        """Writes it down, once."""
        if self._project is None:
            self._write(project, {name: value for name, value in self._told(project).items() if value is not None})
            self._project = project

    def failed(self, error: Exception) -> None:
        """Writes down that it was not done, where it was begun."""
        if self._project is not None:
            self._write(self._project, {"failed": f"{type(error).__name__}: {error}"[:300]})

    def _write(self, project: Project, details: Mapping[str, Any]) -> None:
        from perunit.access.audit import Audit
        from perunit.model.window import system_clock
        from perunit.wiring import control_of

        action = action_of(self._verb, ACTOR.get()) or ""
        with closing(control_of(project)) as control, closing(Audit(control, system_clock)) as audit:
            audit.record(actor(), action, f"perunit {self._verb}", details)

    def _told(self, project: Project) -> dict[str, Any]:
        told = {name: _plain(value) for name, value in self._given.items() if value not in (None, (), False, "")}
        if self._verb == "receipt" and told.get("unit_type") in project.contract.privacy.pseudonymize:
            from perunit.facts.privacy.changes import pseudonym_of

            told["unit_id"] = pseudonym_of(project, str(told["unit_type"]), str(told["unit_id"]))
        return told


def _plain(value: Any) -> Any:
    return [_plain(each) for each in value] if isinstance(value, tuple) else value if value is True else str(value)
