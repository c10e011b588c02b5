"""Live figures: counted by workers, merged by the master, once a second."""
