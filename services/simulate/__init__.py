"""The town in virtual time: the pool's own code over days in minutes, judged against a clairvoyant."""
