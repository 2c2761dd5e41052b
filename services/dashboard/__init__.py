"""The dashboard: what operators see of the matching, live and read-only, from the topics alone."""
