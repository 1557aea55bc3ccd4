"""Canaries: a candidate takes a share of a channel's traffic until the evidence says promote or roll back."""

from assay_server.rollout.canaries import MACHINE, Canaries
from assay_server.rollout.engine import Engine
from assay_server.rollout.evidence import Evidence, Exposure, Subject, UnitScore, Window
from assay_server.rollout.live import LiveEvidence
from assay_server.rollout.plan import Plan, Watched
from assay_server.rollout.ports import ChannelControl, OpenIncident, Releases, Standing
from assay_server.rollout.rows import Record
from assay_server.rollout.shape import shaped

__all__ = [
    "MACHINE",
    "Canaries",
    "ChannelControl",
    "Engine",
    "Evidence",
    "Exposure",
    "LiveEvidence",
    "OpenIncident",
    "Plan",
    "Record",
    "Releases",
    "Standing",
    "Subject",
    "UnitScore",
    "Watched",
    "Window",
    "shaped",
]
