"""What a team decides beside its objectives: advisory mode, waivers, criteria over windows, error-budget policy."""
