"""A span as it was sent becomes a span as we speak of it."""
