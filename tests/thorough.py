"""Whether tests look as thoroughly as they can: in CI they play more and longer than beside somebody who waits."""

import os

IN_CI = bool(os.environ.get("CI")) or os.environ.get("PARTYLINE_REQUIRE_SERVICES") == "1"
