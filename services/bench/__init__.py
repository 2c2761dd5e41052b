"""Benchmarks that ship with the service: `partyline bench match`."""
