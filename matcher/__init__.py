"""The pure core of Partyline: values in, decisions out; no sockets, clock, randomness or async."""
