"""Configuration, wiring and serving: the only place that constructs the rooms."""
