"""What ships and what is live: prompts, retrieval configs, datasets, releases, verdicts, channels, providers."""

from assay_server.registry.buckets import bucket, is_candidate
from assay_server.registry.channels import Channels, Standing
from assay_server.registry.datasets import Datasets
from assay_server.registry.held_items import EMPTIED, empty_items, held_items
from assay_server.registry.models import check_model, is_pinned, pinned_names
from assay_server.registry.prices import OwnPrices
from assay_server.registry.prompts import Prompts
from assay_server.registry.providers import Providers
from assay_server.registry.releases import Releases
from assay_server.registry.retrieval import RetrievalConfigs
from assay_server.registry.templates import render, variables_of
from assay_server.registry.verdicts import Verdicts
from assay_server.registry.words import word_diff

__all__ = [
    "EMPTIED",
    "Channels",
    "Datasets",
    "OwnPrices",
    "Prompts",
    "Providers",
    "Releases",
    "RetrievalConfigs",
    "Standing",
    "Verdicts",
    "bucket",
    "check_model",
    "empty_items",
    "held_items",
    "is_candidate",
    "is_pinned",
    "pinned_names",
    "render",
    "variables_of",
    "word_diff",
]
