"""The environment variables that tell a generator's process what is switched on."""

RECORDS = "PEAKPROOF_BENCH_RECORDS"
"""Ours: `off` leaves the requests' rows out."""

TALLY = "PEAKPROOF_BENCH_TALLY"
"""Theirs: the file to write the counts of requests and failures to."""

CONNECTIONS = "PEAKPROOF_BENCH_CONNECTIONS"
"""Theirs: `kept`, or `journey` for a new connection, and an empty cookie jar, for each journey."""

PACED = "PEAKPROOF_BENCH_PACED"
"""Theirs: requests a second of each user; 0 is as fast as it goes."""

CA = "PEAKPROOF_BENCH_CA"
"""Theirs: the CA to trust; empty without TLS."""
