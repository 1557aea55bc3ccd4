"""Agents that go in circles."""
