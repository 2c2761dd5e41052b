// How one side hears the other: numbers only, nothing of what is said.
//
// Place in the flow: RTCPeerConnection -> this -> call.js, which tells the bridge with each heartbeat.

export const NOTHING = Object.freeze({ received: 0, sent: 0, lost: 0, jitter_s: 0, round_trip_s: null });

// What the connection has counted so far.
export async function counted(connection) {
  const found = { ...NOTHING };
  const stats = connection ? await connection.getStats().catch(() => new Map()) : new Map();
  for (const one of stats.values()) {
    if (one.type === "inbound-rtp" && one.kind === "audio") {
      found.received += one.packetsReceived ?? 0;
      found.lost += one.packetsLost ?? 0;
      found.jitter_s = one.jitter ?? found.jitter_s;
    }
    if (one.type === "outbound-rtp" && one.kind === "audio") found.sent += one.packetsSent ?? 0;
    if (one.type === "candidate-pair" && one.nominated) found.round_trip_s = one.currentRoundTripTime ?? null;
  }
  return found;
}

// A telephone that is `hushed` may send nothing at all: that is no lost line.
export function grew(before, now, hushed = false) {
  return now.received > before.received && (hushed || now.sent > before.sent);
}

// Between two looks in which it grew. A packet that comes twice counts as one less lost, so the sum may go down.
export function heardSo(before, now) {
  const lost = Math.max(0, now.lost - before.lost);
  return {
    loss: lost / (lost + now.received - before.received),
    jitter_ms: now.jitter_s * 1000,
    round_trip_ms: now.round_trip_s === null ? null : now.round_trip_s * 1000,
  };
}
