// The board's page: puts the state into the page as text, never as markup. Place in the flow: line -> board -> page.

import { Chart, perMinute } from "./chart.js";
import { follow } from "./line.js";

const RULES = {
  asked_before: "asked about each other before",
  block: "one blocked the other",
  window: "less than three minutes left",
  quiet_hours: "quiet hours",
  language: "no language in common",
  gender_wish: "wish: my own gender",
  age_wish: "wish: near my age",
  home_wish: "wish: near home",
  company: "wish: somebody new, or known",
  crowded: "too many at once: waiting outside",
};
const ENDS = {
  called: "had a call",
  closed: "closed by the person",
  ran_out: "ran out",
  paused: "withdrawn: paused",
  held: "withdrawn: held",
  erased: "withdrawn: erased",
  unknown: "withdrawn: unknown",
};
const WORTH_SAYING_S = 5; // less comes and goes with every look
const STATES = { well: "well", here: "well", late: "late", gone: "gone", away: "away", unknown: "not known" };

const byId = (id) => document.getElementById(id);
const charts = {
  now: new Chart(byId("charts"), "People and calls", ["Waiting", "Ringing", "In calls"]),
  flow: new Chart(byId("charts"), "Within a minute", ["Pairs offered", "Calls connected"]),
};

// A number and its unit, no finer than anybody needs.
function measure(seconds) {
  if (seconds === null || seconds === undefined) {
    return ["–", ""];
  }
  const found = [[172800, 86400, "days"], [7200, 3600, "h"], [120, 60, "min"]].find(([from]) => seconds >= from);
  return found ? [Math.floor(seconds / found[1]), found[2]] : [Math.round(seconds), "s"];
}

const duration = (seconds) => measure(seconds).join("\u00a0").trim();

const SHORT = { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" };
const time = (text) => new Date(text).toLocaleString([], SHORT);
const clock = (text) => text.slice(11, 16);

function setText(node, text) {
  if (node.textContent !== text) {
    node.textContent = text;
  }
}

// Shape and word say the state; colour only repeats them.
function setState(node, state, word) {
  node.dataset.state = state;
  setText(node.querySelector(".word"), word);
}

function stateCell(state) {
  const cell = document.createElement("span");
  cell.className = "state";
  const [shape, word] = [document.createElement("span"), document.createElement("span")];
  [shape.className, word.className] = ["shape", "word"];
  shape.setAttribute("aria-hidden", "true");
  cell.append(shape, " ", word);
  setState(cell, state, STATES[state] ?? state);
  return cell;
}

// `rows` of cells, each a text or a node; the first is the row's heading.
function fill(id, rows, none) {
  const body = byId(id).tBodies[0];
  const told = JSON.stringify(rows.map((row) => row.map((cell) => cell.textContent ?? cell)));
  if (body.dataset.told === told) {
    return; // whoever is reading or selecting is left alone
  }
  body.dataset.told = told;
  body.replaceChildren();
  byId(id).hidden = rows.length === 0 && !none;
  for (const row of rows.length || !none ? rows : [[none]]) {
    const line = body.insertRow();
    row.forEach((content, index) => {
      const cell = document.createElement(index || rows.length === 0 ? "td" : "th");
      if (cell.tagName === "TH") {
        cell.scope = "row";
      }
      cell.append(content);
      line.append(cell);
    });
    if (rows.length === 0) {
      line.cells[0].colSpan = 9;
    }
  }
}

function setMeasure(node, seconds) {
  const [number, unit] = measure(seconds);
  const small = document.createElement("span");
  small.className = "unit";
  small.textContent = ` ${unit}`;
  if (node.textContent !== `${number} ${unit}`) {
    node.replaceChildren(String(number), small);
  }
}

function showFigures(state) {
  for (const node of document.querySelectorAll("[data-figure]")) {
    const [section, name] = node.dataset.figure.split(".");
    const value = state[section]?.[name];
    if (name === "age") {
      const oldest = state.concerns.oldest_at;
      setMeasure(node, oldest && Math.max(0, (Date.parse(state.at) - Date.parse(oldest)) / 1000));
    } else if (name.endsWith("_s")) {
      setMeasure(node, value);
    } else {
      setText(node, String(value ?? "–"));
    }
  }
}

function modelInService(models) {
  const told = Object.entries(models).map(([market, one]) => `${market}: scores come from a model learned from ${one.answers} answers, the newest of ${time(one.learned_until)}.`);
  return told.join(" ") || "No model was ever promoted: scores come from the fallback.";
}

function showTables(state) {
  const wait = (name, one) => [name, duration(one.p50_s), duration(one.p90_s)];
  fill("waits", [wait("rung", state.waits.until_rung), wait("both said yes", state.waits.until_call)]);
  const rules = Object.entries(state.refused ?? {}).map(([rule, pairs]) => [RULES[rule] ?? rule, String(pairs)]);
  setText(byId("model"), modelInService(state.models ?? {}));
  fill("refused", rules, state.refused ? "no pair was refused" : "the processor does not tell just now");
  fill("ends", Object.entries(state.ends).map(([end, count]) => [ENDS[end] ?? end, String(count)]), "none yet");
  const parts = Object.entries(state.parts).map(([name, word]) => [name === "kafka" ? "Kafka" : "Redis", stateCell(word), ""]);
  const processes = state.processes.map((one) => [one.name, stateCell(one.state), one.age_s === null ? "–" : `${one.age_s} s ago`]);
  fill("processes", [...processes, ...parts]);
  const late = (one) => (one.late_s >= WORTH_SAYING_S ? `${one.behind}, ${duration(one.late_s)}` : String(one.behind));
  fill("lag", state.lag.map((one) => [`${one.reader}: ${one.topic}`, stateCell(one.state), late(one)]), "not known yet");
  fill("letters", state.letters.newest.map((one) => [one.topic, one.reason, time(one.at)]), "none");
}

function showTime(state) {
  const points = state.points.map(([at, ...values]) => [Date.parse(at), ...values]);
  if (points.length) {
    const times = points.map((point) => point[0]);
    const column = (index) => points.map((point) => point[index]);
    charts.now.show(times, [column(1), column(2), column(3)]);
    charts.flow.show(times, [perMinute(points, 4), perMinute(points, 5)]);
  }
}

function alarms(state) {
  const told = [];
  if (state.parts.kafka === "away") {
    told.push("Kafka does not answer: the figures stand still until it does.");
  }
  if (state.parts.redis === "away") {
    told.push("Redis does not answer: the state of processes is not known, and nobody can sign in.");
  }
  const ill = state.processes.filter((one) => one.state === "gone" || one.state === "late");
  told.push(...ill.map((one) => `The ${one.name} is ${one.state}.`));
  told.push(...state.lag.filter((one) => one.state === "late").map((one) => `The ${one.reader} is late on ${one.topic}.`));
  return told.join(" ");
}

function show(state) {
  showFigures(state);
  showTables(state);
  showTime(state);
  const told = alarms(state);
  byId("alarm").hidden = !told;
  setText(byId("alarm"), told);
  byId("reading").hidden = state.reading.caught_up;
  setText(byId("reading"), `Still reading what happened before: ${state.reading.behind ?? "some"} messages to go.`);
  const faster = state.clock.speed === 1 ? "" : `, ${state.clock.speed} times as fast as ours`;
  setText(byId("clock"), state.clock.speed === 1 ? "" : `Life’s clock: ${clock(state.clock.now)} UTC${faster}`);
  setText(byId("since"), state.counted_since ? `Counted from what Kafka holds, since ${time(state.counted_since)}.` : "Nothing has happened yet.");
}

function quiet(age_ms) {
  if (age_ms === null) {
    setState(byId("line"), "well", "live");
  } else {
    setState(byId("line"), "away", `no line to the dashboard: figures of ${duration(age_ms / 1000)} ago`);
  }
}

follow(show, quiet);
