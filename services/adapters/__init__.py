"""What stands between Partyline and the outside: Kafka, Redis, channels; each behind a small port."""
