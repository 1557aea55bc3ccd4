"""SQL of people: read-only, of their own project, within limits."""
