"""Every metric that Peakproof exposes: its name, kind, help and labels, one module a subject; catalogue.py has all."""
