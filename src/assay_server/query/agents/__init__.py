"""What the steps of agents take: their graph, their time, and where their tokens go."""
