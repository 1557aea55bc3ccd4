"""OpenTelemetry's SDK with a released collector, Rotel, between it and Assay.

Settings: COLLECTOR_LISTENS (host:port) and COLLECTOR_SENDS_TO for the collector, PROTOCOL (http or grpc) for both its
sides, ASSAY_KEY; OTEL_EXPORTER_OTLP_ENDPOINT points the SDK at the collector.
"""

import os
import runpy
import tempfile
from pathlib import Path

from rotel import Config, Rotel

protocol = os.environ["PROTOCOL"]
assay = Config.otlp_exporter(
    endpoint=os.environ["COLLECTOR_SENDS_TO"],
    protocol=protocol,
    headers={"authorization": f"Bearer {os.environ['ASSAY_KEY']}"},
)
with tempfile.TemporaryDirectory() as folder:
    rotel = Rotel(
        enabled=True,
        pid_file=f"{folder}/pid",
        log_file=f"{folder}/log",
        exporters={"assay": assay},
        exporters_traces=["assay"],
        **{f"otlp_{protocol}_endpoint": os.environ["COLLECTOR_LISTENS"]},
    )
    rotel.start()
    runpy.run_path(str(Path(__file__).with_name("otel_http.py")))
    rotel.stop()  # sends what it has
