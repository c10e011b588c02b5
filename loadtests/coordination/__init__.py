"""Master and workers: who joins, who is alive, what they tell each other."""
