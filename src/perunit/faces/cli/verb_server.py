"""Does verbs for command lines that find the project held. Enters: requests over a Unix socket. Leaves: frames.

Each runs in this process as it would in one of its own: with its caller's folder, screen and words, and the project
lent to it.
"""

from __future__ import annotations

import contextvars
import io
import json
import os
import queue
import select
import socket
import threading
import traceback
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Protocol, TextIO

from perunit.faces.cli.frames import ERR, EXIT, OUT, Caller, read_caller, short_path, write_frame
from perunit.faces.cli.keyed import FORWARDED
from perunit.faces.cli.screen import Screen, split_streams, writing_to
from perunit.model.errors import UsageError
from perunit.wiring import LENDER, Lender

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from perunit.faces.cli.frames import Writable

__all__ = ["VerbServer"]

_AT_ONCE = 8
_CHECK_SECONDS = 0.2
_END_SECONDS = 10


class Loan(Lender, Protocol):
    """A lender that can end what the verb is at."""

    def interrupt(self) -> None:
        """Ends the statement that the verb is at."""
        ...


class VerbServer:
    """Listens at `path` from `start` to `stop`; each verb gets a loan of its own."""

    def __init__(self, path: Path, loan: Callable[[], Loan]) -> None:
        self._path, self._loan = path, loan
        self._places = threading.BoundedSemaphore(_AT_ONCE)
        self._folder = _Folder()
        self._verbs: set[_Verb] = set()
        self._streams = split_streams()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)

    def start(self) -> None:
        """Makes the socket, for this user alone; one left behind is replaced, for whoever holds the project owns it."""
        self._path.unlink(missing_ok=True)
        # Before it has a name, so that there is no instant at which others could connect.
        os.fchmod(self._listener.fileno(), 0o600)
        with short_path(self._path) as address:
            self._listener.bind(address)
        self._path.chmod(0o600)
        self._listener.listen(64)
        self._streams.__enter__()
        threading.Thread(target=self._accept, name="perunit-verbs", daemon=True).start()

    def stop(self) -> None:
        """Takes no more verbs, ends those that run, and removes the socket."""
        self._path.unlink(missing_ok=True)
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for verb in list(self._verbs):
            verb.leave()
        for verb in list(self._verbs):
            verb.finished.wait(_END_SECONDS)
        self._streams.__exit__(None, None, None)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), name="perunit-verb", daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rwb") as file, suppress(OSError, ValueError):
            caller = read_caller(file)
            with self._places:
                verb = _Verb(caller, file, self._loan())
                self._verbs.add(verb)
                try:
                    # A context of its own, so that nothing of one verb is seen by another.
                    contextvars.Context().run(verb.run, connection, self._folder)
                finally:
                    self._verbs.discard(verb)
                    verb.finished.set()


class _Verb:
    """One command line being done."""

    def __init__(self, caller: Caller, file: Writable, loan: Loan) -> None:
        self._caller, self._file, self._loan = caller, file, loan
        self._frames: queue.SimpleQueue[tuple[int, bytes]] = queue.SimpleQueue()
        self._gone = threading.Event()
        self.ended = threading.Event()
        self.finished = threading.Event()

    def leave(self) -> None:
        """Ends it soon: nobody waits for it any more."""
        self._gone.set()

    def run(self, connection: socket.socket, folder: _Folder) -> None:
        """Does it and sends the exit code, or stops where its caller goes away."""
        # Sent by a thread of its own: a caller that does not read must not keep the verb from giving back the project.
        sender = threading.Thread(target=self._send, daemon=True)
        watcher = threading.Thread(target=self._watch, args=(connection,), daemon=True)
        sender.start()
        watcher.start()
        LENDER.set(self._loan)
        # The caller's key, never the server's own.
        FORWARDED.set(self._caller.key or "")
        with writing_to(self._screen()):
            code = self._done(folder)
        self.ended.set()
        self._frames.put((EXIT, json.dumps(code).encode()))
        sender.join()

    def _screen(self) -> Screen:
        caller = self._caller
        environment = {**caller.environment, "COLUMNS": str(caller.columns), "LINES": str(caller.lines)}
        out = _Sent(self, OUT, caller.out_encoding, is_terminal=caller.out_is_terminal)
        return Screen(out, _Sent(self, ERR, caller.out_encoding, is_terminal=caller.err_is_terminal), environment)

    def _done(self, folder: _Folder) -> int:
        from perunit.faces.cli.main import main

        try:
            with folder.at(self._caller.directory):
                return main(self._caller.words)
        except SystemExit as left:
            return left.code if isinstance(left.code, int) else int(left.code is not None)
        except UsageError as error:
            self._frames.put((ERR, f"error: {error}\n".encode()))
            return error.exit_code
        except BaseException:  # noqa: BLE001 - a bug is told to whoever called, as if it were their own process
            self._frames.put((ERR, traceback.format_exc().encode()))
            return 1

    def put(self, kind: int, payload: bytes) -> None:
        """Has a frame sent; raises KeyboardInterrupt where the caller is gone, as if they had stopped the verb."""
        if self._gone.is_set():
            raise KeyboardInterrupt
        self._frames.put((kind, payload))

    def _send(self) -> None:
        kind = OUT
        while kind != EXIT:
            kind, payload = self._frames.get()
            try:
                write_frame(self._file, kind, payload)
            except (OSError, ValueError):
                self._gone.set()

    def _watch(self, connection: socket.socket) -> None:
        """Ends the verb when its caller closes the connection: nothing is said there after the request."""
        poll = select.poll()
        poll.register(connection, select.POLLIN)
        while not self.ended.is_set():
            if self._gone.is_set():
                self._loan.interrupt()
                self.ended.wait(_CHECK_SECONDS)
            elif poll.poll(_CHECK_SECONDS * 1000):
                self._gone.set()


class _Sent(io.TextIOBase, TextIO):
    """A stream whose text goes to the caller."""

    def __init__(self, verb: _Verb, kind: int, encoding: str, *, is_terminal: bool) -> None:
        self._verb, self._kind, self._encoding, self._is_terminal = verb, kind, encoding, is_terminal

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding

    def write(self, text: str, /) -> int:
        # Click finds out by this whether a stream takes text.
        if not isinstance(text, str):
            raise TypeError(f"got {type(text).__name__}, must be text")
        if text:
            self._verb.put(self._kind, text.encode("utf-8", "surrogateescape"))
        return len(text)

    def isatty(self) -> bool:
        return self._is_terminal

    def writable(self) -> bool:
        return True


class _Folder:
    """Which folder verbs are in: the process has one, so those called from the same run together and others wait."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._at: str | None = None
        self._users = 0
        self._home = os.getcwd()  # noqa: PTH109 - handed back as it was

    @contextmanager
    def at(self, folder: str) -> Iterator[None]:
        """Within it, paths are relative to `folder`."""
        with self._changed:
            self._changed.wait_for(lambda: not self._users or self._at == folder)
            if not self._users:
                try:
                    os.chdir(folder)
                except OSError as error:
                    reason = f"{folder}: the server cannot go there ({error.strerror})"
                    raise UsageError(f"{reason}; call from a folder that it can read") from error
                self._at = folder
            self._users += 1
        try:
            yield
        finally:
            with self._changed:
                self._users -= 1
                if not self._users:
                    os.chdir(self._home)
                    self._changed.notify_all()
