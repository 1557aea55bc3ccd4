"""What lists are narrowed to: conditions, the line above the list that says them, and views that keep it."""
