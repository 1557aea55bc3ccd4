"""Canaries, their looks, and incidents."""
