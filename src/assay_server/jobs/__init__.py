"""Durable background work: a job that was accepted is finished, even if the process is killed in between."""

from assay_server.jobs.engine import Job, Jobs

__all__ = ["Job", "Jobs"]
