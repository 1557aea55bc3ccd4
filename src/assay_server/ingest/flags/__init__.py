"""Checks that look at live traffic."""
