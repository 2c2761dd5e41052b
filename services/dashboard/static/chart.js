// A small line chart as SVG, with its numbers in a table beside it. Place in the flow: board -> chart.

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 600;
const HEIGHT = 160;
const MINUTE_MS = 60000;

function svg(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) {
    made.setAttribute(key, value);
  }
  return made;
}

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) {
    made.setAttribute(key, value);
  }
  return made;
}

// The next round number above, so that the scale does not tremble with every point.
function ceiling(value) {
  const step = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return Math.max(5, Math.ceil(value / step) * step);
}

// What a cumulative series grew by within the minute before each point; gaps at the start count as far as is known.
export function perMinute(points, index) {
  let from = 0;
  return points.map((point) => {
    while (point[0] - points[from][0] > MINUTE_MS) {
      from += 1;
    }
    return Math.max(0, point[index] - points[from][index]);
  });
}

export class Chart {
  constructor(parent, title, names) {
    this.names = names;
    const figure = element("figure", "");
    figure.append(element("figcaption", title));
    this.top = element("span", "", { class: "top" });
    this.drawing = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" });
    this.lines = names.map((_, index) => svg("path", { class: `line line-${index}` }));
    this.drawing.append(...[0.5, 1].map((part) => svg("path", { class: "grid", d: `M0 ${HEIGHT * (1 - part)}H${WIDTH}` })));
    this.drawing.append(svg("path", { class: "grid", d: `M0 ${HEIGHT}H${WIDTH}` }), ...this.lines);
    const span = element("p", "", { class: "span" });
    this.from = element("span", "");
    span.append(this.from, element("span", "now"));
    figure.append(this.top, this.drawing, span, this.table(title));
    parent.append(figure);
  }

  table(title) {
    const table = element("table", "");
    table.append(element("caption", title, { class: "unseen" }));
    const head = table.createTHead().insertRow();
    for (const name of ["Line", "Last", "Least", "Most"]) {
      head.append(element("th", name, { scope: "col" }));
    }
    const body = table.createTBody();
    this.cells = this.names.map((name, index) => {
      const row = body.insertRow();
      const label = element("th", "", { scope: "row" });
      const key = svg("svg", { viewBox: "0 0 28 8", class: "key", "aria-hidden": "true" });
      key.append(svg("path", { class: `line line-${index}`, d: "M0 4H28" }));
      label.append(key, ` ${name}`);
      row.append(label);
      return ["", "", ""].map((text) => row.appendChild(element("td", text)));
    });
    return table;
  }

  // `times` in milliseconds; `series` as many rows of numbers as there are names.
  show(times, series) {
    const top = ceiling(Math.max(0, ...series.flat()));
    const first = times[0];
    const span = Math.max(1, times[times.length - 1] - first);
    const x = (at) => (((at - first) / span) * WIDTH).toFixed(1);
    const y = (value) => (HEIGHT - (value / top) * HEIGHT).toFixed(1);
    series.forEach((values, index) => {
      const path = values.map((value, at) => `${at ? "L" : "M"}${x(times[at])} ${y(value)}`).join("");
      this.lines[index].setAttribute("d", path);
      const told = [values[values.length - 1], Math.min(...values), Math.max(...values)];
      told.forEach((value, cell) => (this.cells[index][cell].textContent = String(value)));
    });
    this.top.textContent = String(top);
    this.from.textContent = new Date(first).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  }
}
