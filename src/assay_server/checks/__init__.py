"""`sample -> outcome`: metrics by name. A guard and a scorer have one shape and differ in latency class."""

from assay_server.checks.catalogue import Catalogue, get
from assay_server.checks.code import CodeCheck
from assay_server.checks.pii import Scrubber
from assay_server.checks.sample import About, Check, Direction, Outcome, Sample

__all__ = ["About", "Catalogue", "Check", "CodeCheck", "Direction", "Outcome", "Sample", "Scrubber", "get"]
