"""Judging the method on data that is not our own, through the same code as the service."""
