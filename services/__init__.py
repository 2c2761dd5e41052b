"""The processes of Partyline: they connect, decode, call `matcher`, store and emit."""
