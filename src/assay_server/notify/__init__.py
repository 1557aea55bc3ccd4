"""Telling people: channels with secret addresses, a durable outbox, silences, and the courier that delivers."""

from assay_server.notify.apprise import AppriseSender, Sender
from assay_server.notify.channels import NotificationChannels
from assay_server.notify.courier import Courier
from assay_server.notify.outbox import Message, Outbox, forget_messages, notification_json
from assay_server.notify.repeats import zone_of
from assay_server.notify.silences import Silences, silence_json, silenced_until

__all__ = [
    "AppriseSender",
    "Courier",
    "Message",
    "NotificationChannels",
    "Outbox",
    "Sender",
    "Silences",
    "forget_messages",
    "notification_json",
    "silence_json",
    "silenced_until",
    "zone_of",
]
