"""The town: people with homes, habits and hours who use the real gateway over HTTP, as anybody would."""
