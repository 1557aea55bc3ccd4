"""Which version is spoken, and experiments: found by name or number, made when they are missing."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import PlainTextResponse

from assay_server.api.auth import principal
from assay_server.api.dialects.bodies import json_body, required
from assay_server.api.dialects.mlflow.errors import MlflowRoute
from assay_server.api.services import services
from assay_server.core.ports import Principal
from assay_server.ingest import Experiment

router = APIRouter(route_class=MlflowRoute)

Sender = Annotated[Principal, Depends(principal("ingest"))]

SPOKEN = "3.17.2"
"""The release of MLflow whose requests are understood. Its clients send spans over OTLP from 3.4 on."""


@router.get("/version", summary="MLflow: the version that is spoken", response_class=PlainTextResponse)
async def version() -> str:
    return SPOKEN


@router.get("/api/2.0/mlflow/experiments/get-by-name", summary="MLflow: an experiment by its name")
async def by_name(request: Request, caller: Sender, experiment_name: str) -> dict[str, Any]:
    return {"experiment": _json(await services(request).experiments.named(caller.project, experiment_name))}


@router.get("/api/2.0/mlflow/experiments/get", summary="MLflow: an experiment by its number")
async def by_number(request: Request, caller: Sender, experiment_id: str) -> dict[str, Any]:
    return {"experiment": _json(await services(request).experiments.numbered(caller.project, experiment_id))}


@router.post("/api/2.0/mlflow/experiments/create", summary="MLflow: make an experiment")
async def create(request: Request, caller: Sender) -> dict[str, Any]:
    name = required(await json_body(request), "name")
    made = await services(request).experiments.create(caller.project, name)
    return {"experiment_id": str(made.number)}


@router.post("/api/2.0/mlflow/experiments/search", summary="MLflow: all experiments")
async def search(request: Request, caller: Sender) -> dict[str, Any]:
    found = await services(request).experiments.all_of(caller.project)
    return {"experiments": [_json(one) for one in found]}


def _json(experiment: Experiment) -> dict[str, Any]:
    created_ms = experiment.created_ns // 1_000_000
    return {
        "experiment_id": str(experiment.number),
        "name": experiment.name,
        "lifecycle_stage": "active",
        "creation_time": created_ms,
        "last_update_time": created_ms,
    }
