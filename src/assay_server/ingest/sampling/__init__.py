"""What is taken at the door, and what keeps its content."""
