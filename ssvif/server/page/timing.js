/** How long it took: the round trip, and what the server says of its own time. */

const REST = "transfer and the rest";
const WINDOW = 2000; // milliseconds that a rate is taken over
const KNOWN = new Set(["decode", "queue", "fuse", "segment", "encode"]);

const find = (id) => document.getElementById(id);
const words = (ms) => (ms < 9.95 ? ms.toFixed(1) : String(Math.round(ms)));

export class Timing {
  constructor() {
    this.times = [];
  }

  /** Show an answer's times. */
  show({ roundTrip, server }) {
    const inside = server.filter(({ name }) => KNOWN.has(name));
    const sum = inside.reduce((total, { ms }) => total + ms, 0);
    const parts = [...inside, { name: REST, ms: Math.max(roundTrip - sum, 0) }];
    find("round-trip").textContent = words(roundTrip);
    find("spans").replaceChildren(...parts.map(bar));
    find("terms").replaceChildren(...parts.map(term));
  }

  /** Count a frame of a video, and show the rate. */
  tick(now = performance.now()) {
    this.times = [...this.times.filter((time) => now - time < WINDOW), now];
    const [first] = this.times;
    if (this.times.length < 2) return;
    find("rate").textContent = ((1000 * (this.times.length - 1)) / (now - first)).toFixed(1);
  }

  /** Begin anew, with or without a rate. */
  reset({ rate }) {
    this.times = [];
    find("rate-row").hidden = !rate;
    find("rate").textContent = find("round-trip").textContent = "–";
    find("spans").replaceChildren();
    find("terms").replaceChildren();
  }
}

function bar({ name, ms }) {
  const made = document.createElement("span");
  made.dataset.span = name === REST ? "rest" : name;
  made.style.flexGrow = ms;
  return made;
}

function term({ name, ms }) {
  const [row, key, value] = ["div", "dt", "dd"].map((tag) => document.createElement(tag));
  key.dataset.span = name === REST ? "rest" : name;
  key.textContent = name;
  value.textContent = `${words(ms)} ms`;
  row.append(key, value);
  return row;
}
