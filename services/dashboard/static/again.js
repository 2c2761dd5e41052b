// A page that could not be served asks again every few seconds, and opens the board as soon as it can be.

const EVERY_MS = 2000;

async function ask() {
  try {
    const answer = await fetch("/figures", { cache: "no-store" });
    if (answer.status !== 503) {
      location.replace("/");
      return;
    }
  } catch {
    // the dashboard itself is away: the next time may be better
  }
  setTimeout(ask, EVERY_MS);
}

setTimeout(ask, EVERY_MS);
