"""Measured figures: each benchmark prints JSON, with a named baseline in the same run. See docs/performance.md."""
