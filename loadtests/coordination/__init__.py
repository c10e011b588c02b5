"""Master and workers: admission, liveness, messages, changes of the rate, uploads."""
