"""Lists of traces and spans, and one trace with all it holds."""
