"""How our workers use Redis as a broker, where the transport's own way would leave one deaf."""

from __future__ import annotations

from kombu.transport import redis, virtual
from redis import exceptions

UNREACHABLE = (exceptions.ConnectionError, exceptions.TimeoutError, OSError)


class Credit(redis.QoS):
    """Counts a message as done with even when Redis could not be told so.

    The transport takes a message off its count only after Redis has answered. When Redis goes away while every place of a
    worker is taken, all those answers fail; the count stays full, so the worker neither listens again nor notices
    that its connection is gone, and takes nothing ever after. A message that was not acknowledged may come again:
    it wakes somebody who then finds nothing to do.
    """

    def ack(self, delivery_tag: str) -> None:
        """Acknowledge a message. Raises what the transport raises."""
        try:
            super().ack(delivery_tag)
        except UNREACHABLE:
            virtual.QoS.ack(self, delivery_tag)
            raise

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """Give a message back, or drop it. Raises what the transport raises."""
        try:
            super().reject(delivery_tag, requeue=requeue)
        except UNREACHABLE:
            virtual.QoS.ack(self, delivery_tag)
            raise


def install() -> None:
    """Let every channel of this process count so."""
    redis.Channel.QoS = Credit
