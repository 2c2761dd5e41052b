"""The independent checker: follows the topics from their start and says whether every promise was kept."""
