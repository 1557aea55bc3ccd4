"""Whatever a list shows, as a file."""
