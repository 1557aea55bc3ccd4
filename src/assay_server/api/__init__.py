"""HTTP: the REST API, OTLP, chat and the web interface. Parses, calls a room, shapes the answer."""
