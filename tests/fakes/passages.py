"""A context as the example's prompt shows it, with a question that it answers and one that it does not."""

CONTEXT = """Context:

[returns] Returns
You can return an item within 45 days. Pans that have been heated count as used.

[points] Points
Points expire 18 months after they were booked.

Question: """
ANSWERABLE = "Within how many days can I return an item?"
UNANSWERABLE = "Which mountain is tallest?"
