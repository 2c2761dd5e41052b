"""A broker and a Redis-protocol server out of wheels, for a demo and for tests: no Docker, no Java, no root."""
