"""Verbs with a key. Enters: the key that `PERUNIT_API_KEY` holds, if any. Leaves: the permit a verb runs under.

Without a key whoever runs a command is the project's owner. With one, a verb is done if the key may what `DECISIONS`
says; a verb that stands there with None, or not at all, is refused.
"""

from __future__ import annotations

import functools
import os
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import click

from perunit.access.permit import OWNER, Permission, Permit, Viewer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["ALL_ROWS", "DECISIONS", "FORWARDED", "VARIABLE", "decided", "given"]

VARIABLE = "PERUNIT_API_KEY"
_P = Permission
# In a server, of the command line that is being done for somebody: their key, empty for none.
FORWARDED: ContextVar[str | None] = ContextVar("forwarded_key", default=None)

# What reads figures runs under the key's permit, which holds it to measures and rows.
DECISIONS: dict[str, tuple[Permission, ...] | None] = {
    **dict.fromkeys(("init", "check", "contract test", "measures", "simulate", "completion"), ()),
    "query": (),
    "receipt": (_P.UNITS, _P.FINANCIAL),
    **dict.fromkeys(("ingest", "bills import", "bills replace", "bills invoice"), (_P.INGEST,)),
    **dict.fromkeys(("bills list", "bills show", "reconcile", "restatements"), (_P.RECONCILIATION, _P.FINANCIAL)),
    **dict.fromkeys(("reconcile entries", "reconcile locks"), (_P.RECONCILIATION,)),
    **dict.fromkeys(
        ("reconcile accept", "reconcile adjust", "reconcile reverse", "reconcile lock"),
        (_P.RECONCILIATION, _P.RECONCILE),
    ),
    **dict.fromkeys(("prices list", "prices diff", "fx list", "fx show"), (_P.PRICES,)),
    **dict.fromkeys(("prices check", "prices preview"), (_P.PRICES, _P.FINANCIAL)),
    **dict.fromkeys(("prices import", "fx import"), (_P.PRICES, _P.PRICE)),
    **dict.fromkeys(("prices approve", "prices rollback"), (_P.PRICES, _P.APPROVE)),
    **dict.fromkeys(("quarantine list", "quarantine show"), (_P.QUARANTINE,)),
    "quarantine replay": (_P.QUARANTINE, _P.REPLAY),
    **dict.fromkeys(("quality", "verify"), (_P.QUALITY,)),
    "annotate": (_P.ANNOTATE,),
    "privacy reveal": (_P.UNITS, _P.REVEAL),
    "privacy scan": (_P.QUARANTINE,),
    **dict.fromkeys(("privacy erase", "privacy rotate", "privacy expire"), (_P.ERASE,)),
    **dict.fromkeys(("export prometheus", "export prometheus-rules"), (_P.FINANCIAL, _P.OPERATIONAL, _P.EXPORT)),
    **dict.fromkeys(("audit list", "audit verify", "audit head", "audit export"), (_P.AUDIT,)),
    "users list": (_P.PEOPLE,),
    "keys list": (_P.KEYS,),
    # What gives rights, takes all there is along, or runs on for others is the owner's alone.
    **dict.fromkeys(("users add", "users set", "users disable", "users password", "users ticket")),
    **dict.fromkeys(("keys add", "keys revoke", "run", "serve", "backup", "demo", "privacy init")),
}
# What is of all segments together; the others are held to the rows of the permit, or are of none.
_WHOLE = {"bills", "reconcile", "restatements", "quarantine", "quality", "verify", "ingest", "audit"}
ALL_ROWS = frozenset(verb for verb in DECISIONS if verb.split()[0] in _WHOLE) | {
    *("export prometheus", "prices check", "prices preview"),
    *("privacy reveal", "privacy erase", "privacy rotate", "privacy scan", "privacy expire"),
}


def given() -> str | None:
    """The key that the command line comes with, None where it comes without."""
    forwarded = FORWARDED.get()
    return (os.environ.get(VARIABLE) if forwarded is None else forwarded) or None


def decided(command: click.Command) -> click.Command:
    """The command, and all below it, done only where the key of the command line may."""
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            below = command.get_command(click.Context(command), name)
            if below is not None:
                decided(below)
    if command.callback is not None and not hasattr(command.callback, "__decided__"):
        command.callback = _decided(command.callback)
    return command


def _decided(callback: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(callback)
    def done(*values: Any, **named: Any) -> Any:
        context = click.get_current_context()
        # Of a group what is called below it decides.
        if context.invoked_subcommand is not None:
            return callback(*values, **named)
        from perunit.faces.cli.audited import action_of, audited

        key, verb, directory = given(), _path(context), context.find_root().obj.directory
        viewer = None if key is None else _viewer(verb, key, directory)
        if viewer is None and action_of(verb, None) is None:
            # Nothing to hold it to and nothing to write down: what opens projects takes long to import.
            return callback(*values, **named)
        from perunit.wiring import PERMIT

        token = PERMIT.set(OWNER if viewer is None else viewer.permit)
        try:
            with audited(verb, context.params, directory, viewer):
                return callback(*values, **named)
        finally:
            PERMIT.reset(token)

    done.__decided__ = True  # type: ignore[attr-defined]
    return done


def _path(context: click.Context) -> str:
    names: list[str] = []
    at: click.Context | None = context
    while at is not None and at.parent is not None:
        names.append(at.info_name or "")
        at = at.parent
    return " ".join(reversed(names))


def _viewer(verb: str, key: str, directory: Path) -> Viewer:
    """Whose key it is, and what it may. Raises ForbiddenError where that is not this verb."""
    from perunit.measures.permitted import require_all_rows
    from perunit.model.errors import ForbiddenError

    decision = DECISIONS.get(verb)
    if decision is None:
        raise ForbiddenError(f"perunit {verb}: is not for keys; unset {VARIABLE} and run it as the project's owner")
    if not decision and verb != "query":
        # It reads nothing of a project's data.
        return Viewer(None, "key", None, Permit(frozenset()), "key")
    viewer = _looked_up(key, directory)
    for permission in decision:
        viewer.permit.require(permission)
    if verb in ALL_ROWS:
        require_all_rows(viewer.permit, f"perunit {verb}")
    return viewer


def _looked_up(key: str, directory: Path) -> Viewer:
    from contextlib import closing

    from perunit.access.keys import KeyRing
    from perunit.model.errors import ForbiddenError
    from perunit.model.window import system_clock
    from perunit.wiring import open_control_of

    with closing(open_control_of(directory)) as control:
        viewer = KeyRing(control).viewer(key, system_clock())
    if viewer is None:
        raise ForbiddenError(f"{VARIABLE}: the key is none, is over, or was revoked; set another, or unset it")
    return viewer
