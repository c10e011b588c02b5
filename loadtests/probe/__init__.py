"""A probe: one session of one journey in a process of its own, bounded in time, behind the guard rails that apply."""
