"""One virtual user: a session, its pages' assets, the events it waits for."""
