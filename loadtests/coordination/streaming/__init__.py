"""What a worker writes, brought to a master whose run directory it can't see; and what it needs, brought to it."""
