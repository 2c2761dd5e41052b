"""The stream processor: Faust agents as thin shells over the core."""
