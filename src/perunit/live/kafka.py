"""The links of a contract as loops. Enters: a service. Leaves: a consumer for each link that reads topics, and a
producer for each that tells others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from perunit.live.kafka_client import KafkaMeters
from perunit.live.kafka_consumer import KafkaConsumer
from perunit.live.kafka_producer import KafkaProducer

if TYPE_CHECKING:
    from perunit.live.service import Service

__all__ = ["loops"]


def loops(service: Service) -> tuple[KafkaConsumer | KafkaProducer, ...]:
    """What reads the topics of the service's contract and tells others; nothing where it has no links."""
    links = service.project.contract.kafka
    if not links:
        return ()
    meters = KafkaMeters(service.meters)
    reading = tuple(KafkaConsumer(name, link, service, meters) for name, link in links.items() if link.topics)
    telling = tuple(KafkaProducer(name, link, service, meters) for name, link in links.items() if link.produce)
    return reading + telling
