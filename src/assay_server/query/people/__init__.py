"""Sessions as conversations, users with what they did."""
