"""The vocabulary every room may use: ids, clock, errors, records, ports. It imports nothing of ours."""
