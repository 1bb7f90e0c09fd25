"""The OTLP/gRPC server. Enters: export calls on a port of its own. Leaves: the protocol's answers, after the commit.

What cannot be taken now is RESOURCE_EXHAUSTED with RetryInfo, which tells an exporter to send it again; what can never
be taken is INVALID_ARGUMENT, which tells it not to.
"""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NoReturn

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from perunit.access.keys import KeyRing
from perunit.access.permit import Permission
from perunit.facts.arrivals import DoorError
from perunit.facts.doors.otlp import SIGNALS, Signal, read_protobuf
from perunit.live.intake import OverloadedError
from perunit.live.otlp import OtlpDoor
from perunit.model.errors import PerunitError, UsageError
from perunit.store.project_store import room_needed

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.message import Message

    from perunit.live.service import Service

__all__ = ["OtlpGrpc", "loops"]

DOOR = "otlp-grpc"
_SERVICES = {
    "traces": "opentelemetry.proto.collector.trace.v1.TraceService",
    "metrics": "opentelemetry.proto.collector.metrics.v1.MetricsService",
    "logs": "opentelemetry.proto.collector.logs.v1.LogsService",
}
_MESSAGE_BYTES_MAX = 16 << 20
# Each waits for its commit; many calls that wait together are one group.
_THREADS = 16
_STREAMS_MAX = 64
_CLOSING_SECONDS = 5
_RETRY_SECONDS = 5
_NO_KEY = "authorization: a key is needed, sent as metadata 'authorization: Bearer pu_…'; perunit keys add makes one"
_DETAILS = "grpc-status-details-bin"
_log = logging.getLogger(__name__)


def loops(service: Service) -> tuple[OtlpGrpc, ...]:
    """The server, where the contract has a source that it could be for: its port is often another's."""
    formats = {signal.format for signal in SIGNALS}
    if not any(source.format in formats for source in service.project.contract.sources.values()):
        return ()
    return (OtlpGrpc(service, service.settings.host, service.settings.grpc_port),)


class OtlpGrpc:
    """A loop with `start` and `stop`; `port` is the one it listens on, once started (0 asks for a free one)."""

    def __init__(self, service: Service, host: str, port: int) -> None:
        self.port = port
        self._host, self._data = host, service.project.data
        self._door = OtlpDoor(service, DOOR)
        self._service, self._keys = service, KeyRing(service.control)
        options = [
            ("grpc.max_receive_message_length", _MESSAGE_BYTES_MAX),
            # Beyond it a client waits. A limit of calls would refuse them without RetryInfo, and exporters then drop.
            ("grpc.max_concurrent_streams", _STREAMS_MAX),
            ("grpc.so_reuseport", 0),
        ]
        self._server = grpc.server(ThreadPoolExecutor(_THREADS, "perunit-otlp-grpc"), options=options)
        for signal in SIGNALS:
            self._serve(signal)

    def start(self) -> None:
        """Listens. Raises UsageError where it cannot."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        try:
            self.port = self._server.add_insecure_port(f"{host}:{self.port}")
        except RuntimeError as error:
            reason = f"--grpc-port: {host}:{self.port} cannot be listened on"
            raise UsageError(f"{reason}; end what uses it, or choose another (0 takes a free one)") from error
        self._server.start()
        _log.info("OTLP over gRPC at %s:%s", host, self.port)

    def stop(self) -> None:
        """Takes no more calls, and waits a little for those that are being answered."""
        self._server.stop(_CLOSING_SECONDS).wait()

    def _serve(self, signal: Signal) -> None:
        # Bytes, so that a message that cannot be read is answered by us and not by gRPC.
        method: grpc.RpcMethodHandler[bytes, Message] = grpc.unary_unary_rpc_method_handler(
            self._export(signal), request_deserializer=None, response_serializer=_serialized
        )
        self._server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(_SERVICES[signal.name], {"Export": method}),)
        )

    def _export(self, signal: Signal) -> Callable[[bytes, grpc.ServicerContext], Message]:
        def export(body: bytes, context: grpc.ServicerContext) -> Message:
            try:
                self._require_key(context)
                rows = read_protobuf(signal, body)
                with room_needed(self._data):
                    outcomes = [future.result() for future in self._door.submit(signal, rows)]
            except DoorError as error:
                _abort(context, grpc.StatusCode.INVALID_ARGUMENT, error.detail)
            except OverloadedError as error:
                _abort(context, grpc.StatusCode.RESOURCE_EXHAUSTED, str(error), error.retry_after_seconds)
            except PerunitError as error:
                _abort(context, grpc.StatusCode.UNAVAILABLE, str(error), _RETRY_SECONDS)
            return self._door.verdict(signal, rows, outcomes).response(signal)

        return export

    def _require_key(self, context: grpc.ServicerContext) -> None:
        """Ends a call that has no key with the right to send, where one is needed."""
        if self._service.doors_open:
            return
        given = next((str(value) for name, value in context.invocation_metadata() if name == "authorization"), "")
        scheme, _, text = given.partition(" ")
        viewer = self._keys.viewer(text.strip(), self._service.clock()) if scheme.lower() == "bearer" else None
        if viewer is None:
            _abort(context, grpc.StatusCode.UNAUTHENTICATED, _NO_KEY)
        if not viewer.permit.allows(Permission.INGEST):
            _abort(context, grpc.StatusCode.PERMISSION_DENIED, f"authorization: the key must have {Permission.INGEST}")


def _abort(
    context: grpc.ServicerContext, code: grpc.StatusCode, text: str, retry_seconds: int | None = None
) -> NoReturn:
    """Ends a call with a status, and when to try again where that helps."""
    status = Status(code=code.value[0], message=text)
    if retry_seconds is not None:
        detail = AnyMessage()
        detail.Pack(RetryInfo(retry_delay=Duration(seconds=retry_seconds)))
        status.details.append(detail)
    context.set_trailing_metadata(((_DETAILS, status.SerializeToString()),))
    context.abort(code, text)
    raise AssertionError("unreachable")


def _serialized(message: Any) -> bytes:
    return bytes(message.SerializeToString())
