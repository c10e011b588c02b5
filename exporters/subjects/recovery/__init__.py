"""Recovery: what of a system could be restored, how old that is, whether anybody has restored it, and how fast."""
