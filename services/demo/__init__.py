"""`partyline demo`: all of Partyline and a town to use it, on one machine, supervised by one command."""
