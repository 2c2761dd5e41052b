// The live line: a snapshot, then changes; says when nothing has come for a while, and comes back by itself.
// Place in the flow: /live -> line -> board.

const POINTS_LIMIT = 360;
const QUIET_MS = 4000; // a change comes every second
const DEAD_MS = 12000;
const AGAIN_MS = 2000;

// The state after a change: its sections are replaced, its points added, the oldest points forgotten.
export function merged(state, change) {
  const points = [...(state.points ?? []), ...change.points].slice(-POINTS_LIMIT);
  return { ...state, ...change.sections, points };
}

// Calls `show(state)` for every state and `quiet(age_ms)` every second, null while news is fresh.
export function follow(show, quiet) {
  let state = {};
  let heardAt = performance.now();
  let openedAt = heardAt;
  let source;

  function take(next) {
    state = next;
    heardAt = performance.now();
    show(state);
    quiet(null);
  }

  function open() {
    openedAt = performance.now();
    source = new EventSource("/live");
    source.addEventListener("snapshot", (event) => take(JSON.parse(event.data)));
    source.addEventListener("change", (event) => take(merged(state, JSON.parse(event.data))));
    source.addEventListener("error", () => {
      if (source.readyState === EventSource.CLOSED) {
        setTimeout(again, AGAIN_MS); // it was refused: the browser does not try again by itself
      }
    });
  }

  async function again() {
    try {
      const answer = await fetch("/figures", { cache: "no-store" });
      if (answer.status === 401) {
        location.replace("/sign-in");
        return;
      }
    } catch {
      // still away
    }
    open();
  }

  setInterval(() => {
    const now = performance.now();
    if (now - heardAt > QUIET_MS) {
      quiet(now - heardAt);
    }
    const silent = now - Math.max(heardAt, openedAt) > DEAD_MS;
    if (silent && source.readyState === EventSource.OPEN) {
      source.close(); // a line that says nothing is a dead one
      again();
    }
  }, 1000);

  open();
}
