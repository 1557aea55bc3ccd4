"""The one door for facts: everything that is stored, ours and foreign, is decoded, scrubbed and priced here."""

from assay_server.ingest.decompress import decompress
from assay_server.ingest.experiments import DEFAULT as DEFAULT_EXPERIMENT
from assay_server.ingest.experiments import Experiment, Experiments
from assay_server.ingest.flags.flags import FlagWatch
from assay_server.ingest.ingest import JSON, PROTOBUF, Accepted, Ingest, Signal
from assay_server.ingest.limits import Limits
from assay_server.ingest.loops.loops import TOOL_LOOP, LoopWatch, loop_counted
from assay_server.ingest.media.shelf import KeptMedia, MediaLink, MediaShelf
from assay_server.ingest.media.signatures import type_of
from assay_server.ingest.media.tickets import MediaTickets
from assay_server.ingest.normalise.aliases import aliases
from assay_server.ingest.normalise.langchain import answered, asked
from assay_server.ingest.normalise.normaliser import ROOT_NAME, STACK_TRACE
from assay_server.ingest.normalise.values import well_formed, within
from assay_server.ingest.partial.forgetting import forget_pieces
from assay_server.ingest.partial.partial import OF_TRACE, Part, PartialSpans
from assay_server.ingest.partial.pieces import SentSpans, first_trace_of, parts_of_otlp
from assay_server.ingest.pricing import Prices
from assay_server.ingest.repricing import Repricer
from assay_server.ingest.room import Place
from assay_server.ingest.sampling.admission import Doorkeeper
from assay_server.ingest.sampling.decider import Decider
from assay_server.ingest.sampling.log_fates import LogFates
from assay_server.ingest.sampling.policy import Labels
from assay_server.ingest.sampling.preview import Preview
from assay_server.ingest.scores import SAID, ScoreInput, told_again
from assay_server.ingest.scrub import Scrubs

__all__ = [
    "DEFAULT_EXPERIMENT",
    "JSON",
    "OF_TRACE",
    "PROTOBUF",
    "ROOT_NAME",
    "SAID",
    "STACK_TRACE",
    "TOOL_LOOP",
    "Accepted",
    "Decider",
    "Doorkeeper",
    "Experiment",
    "Experiments",
    "FlagWatch",
    "Ingest",
    "KeptMedia",
    "Labels",
    "Limits",
    "LogFates",
    "LoopWatch",
    "MediaLink",
    "MediaShelf",
    "MediaTickets",
    "Part",
    "PartialSpans",
    "Place",
    "Preview",
    "Prices",
    "Repricer",
    "ScoreInput",
    "Scrubs",
    "SentSpans",
    "Signal",
    "aliases",
    "answered",
    "asked",
    "decompress",
    "first_trace_of",
    "forget_pieces",
    "loop_counted",
    "parts_of_otlp",
    "told_again",
    "type_of",
    "well_formed",
    "within",
]
