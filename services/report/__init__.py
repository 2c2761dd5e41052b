"""The report: what the history says of a time, asked in SQL."""
