"""The archivist: every message of every topic, for good, in Parquet files."""
