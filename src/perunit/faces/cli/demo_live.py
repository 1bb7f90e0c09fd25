"""The demo's company lives on while it is watched. Enters: a simulated project. Leaves: its events, at the door."""

from __future__ import annotations

import json
import logging
import threading
from datetime import datetime
from typing import TYPE_CHECKING

import urllib3

from perunit.model.window import Clock, system_clock
from perunit.simulate.sequel import SEQUEL_DAYS, Sequel

if TYPE_CHECKING:
    from pathlib import Path

    from perunit.simulate.options import SimulationOptions

__all__ = ["SEQUEL_DAYS", "LiveCompany"]

_EVERY_SECONDS = 2.0
_log = logging.getLogger("perunit.demo")


class LiveCompany:
    """What has happened since the simulated days, and what happens now; how far it has come is kept in the project."""

    def __init__(self, project: Path, options: SimulationOptions, clock: Clock = system_clock) -> None:
        self._reached_file = project / "live.json"
        self._sequel = Sequel(options)
        self._clock = clock
        self._stopped = threading.Event()
        self._sequel.until(self._reached(options.end))

    def catch_up(self, file: Path, now: datetime) -> bool:
        """Writes what happened up to `now` to a file of events; whether there was anything."""
        lines = self._sequel.until(max(now, self._reached(now)))
        if lines:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(lines)
        self.note(now)
        return bool(lines)

    def note(self, reached: datetime) -> None:
        """Remembers how far it has come, so that the next demo goes on from there."""
        self._reached_file.write_text(json.dumps({"reached": reached.isoformat()}), encoding="utf-8")

    def start(self, address: str) -> None:
        """Sends each event when it happens, from a thread of its own, to the server at `address`."""
        threading.Thread(target=self._run, args=(address,), name="perunit-demo", daemon=True).start()

    def stop(self) -> None:
        """Sends nothing more."""
        self._stopped.set()

    def _run(self, address: str) -> None:
        pool = urllib3.PoolManager(retries=urllib3.Retry(5, backoff_factor=1, status_forcelist=(429, 503)))
        while not self._stopped.wait(_EVERY_SECONDS):
            now = self._clock()
            if now >= self._sequel.end:
                _log.warning("the simulated company ends here; remove the project, and perunit demo makes a new one")
                return
            lines = self._sequel.until(now)
            if lines:
                self._send(pool, f"{address}/v1/events", lines)
            self.note(now)
        self._sequel.close()

    def _send(self, pool: urllib3.PoolManager, url: str, lines: bytes) -> None:
        try:
            answer = pool.request("POST", url, body=lines, headers={"Content-Type": "application/x-ndjson"})
        except urllib3.exceptions.HTTPError as error:
            if not self._stopped.is_set():
                _log.warning("the demo's events did not arrive: %s", error)
            return
        if answer.status >= 400:
            _log.warning("the demo's events were refused: %s", answer.data[:500].decode("utf-8", "replace"))

    def _reached(self, otherwise: datetime) -> datetime:
        if not self._reached_file.is_file():
            return otherwise
        said = json.loads(self._reached_file.read_text(encoding="utf-8"))
        return datetime.fromisoformat(said["reached"])
