"""The bridge: two legs, one call, no number shown."""
