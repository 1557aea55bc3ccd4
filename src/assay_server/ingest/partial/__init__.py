"""Spans of clients that send them in pieces."""
