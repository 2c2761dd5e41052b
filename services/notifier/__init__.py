"""The notifier: claims both people of an offer, rings both, renews, releases."""
