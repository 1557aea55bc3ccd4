"""Money: what was spent, why it changed, what it will be and what could be saved."""
