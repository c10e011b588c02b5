"""The process that makes load: its clock, its event loop, its limits."""
