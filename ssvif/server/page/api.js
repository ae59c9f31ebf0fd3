/** The server's routes: requests, refusals in words, tokens, and waiting where it is busy. */

const TOKEN_KEY = "ssvif-token";
const BUSY = new Set([429, 503]);
const MOST_TRIES = 6;
const STARTING = "starting"; // takes as long as it takes, and then it is ready or gone
const LONGEST_WAIT = 30; // seconds

/** What the server refused, in one line. */
export class Refusal extends Error {
  constructor(line, code = "") {
    super(line);
    this.code = code; // as in docs/serving.md, Refusals
  }
}

/** Return an address of this server, wherever it is mounted; none of another origin. */
export function place(path) {
  const found = new URL(path.replace(/^\/+/, ""), document.baseURI);
  if (found.origin !== location.origin) throw new Refusal(`${path}: not an address of this server`);
  return found;
}

export class Api {
  /**
   * @param askToken Called with whether one was refused before; promises a token, or null.
   * @param tellWait Called with the seconds until a busy server is asked again; with 0 when it
   *   took the request.
   * @param tellModel Called with the SHA-256 of the weights that made an image.
   */
  constructor({ askToken, tellWait, tellModel }) {
    Object.assign(this, { askToken, tellWait, tellModel });
    this.asking = null;
  }

  async model() {
    return (await this.#ask("v1/model")).json();
  }

  async examples() {
    return (await this.#ask("v1/examples")).json();
  }

  async file(path, name) {
    const blob = await (await this.#ask(path)).blob();
    return new File([blob], name, { type: blob.type });
  }

  /** Fuse a pair; `options` are the query's view, colour and format. */
  fuse(pair, options, signal) {
    return this.#image("v1/fuse", pair, options, signal);
  }

  segment(pair, options, signal) {
    return this.#image("v1/segment", pair, options, signal);
  }

  async #image(path, pair, options, signal) {
    const body = new FormData();
    body.append("vis", pair.vis, pair.vis.name ?? "vis.jpg");
    body.append("ir", pair.ir, pair.ir.name ?? "ir.jpg");
    const query = new URLSearchParams(options);
    const answer = await this.#ask(`${path}?${query}`, { method: "POST", body, signal });
    const blob = await answer.blob();
    const weights = answer.headers.get("X-SSVIF-Model");
    if (weights) this.tellModel(weights);
    return {
      blob,
      roundTrip: performance.now() - answer.asked,
      server: spansOf(answer.headers.get("Server-Timing")),
    };
  }

  /** Ask until the server takes it: waits where it is busy, and gets a token where it must. */
  async #ask(path, request = {}) {
    let tries = 0;
    let told = false;
    for (;;) {
      const token = sessionStorage.getItem(TOKEN_KEY);
      const headers = token ? { Authorization: `Bearer ${token}` } : {};
      const asked = performance.now();
      const answer = await reach(place(path), { ...request, headers });
      if (answer.ok) {
        if (told) this.tellWait(0);
        return Object.assign(answer, { asked });
      }
      if (answer.status === 401) {
        await this.#newToken(token);
        continue;
      }
      const refusal = await refusalOf(answer);
      const wait = secondsToWait(answer);
      if (refusal.code !== STARTING) tries += 1;
      if (wait === null || tries >= MOST_TRIES) throw refusal;
      told = true;
      this.tellWait(wait);
      await pause(wait, request.signal);
    }
  }

  /** Ask for a token once, however many requests wait for it. */
  async #newToken(refused) {
    const present = sessionStorage.getItem(TOKEN_KEY);
    if (present && present !== refused) return;
    this.asking ??= this.askToken(Boolean(refused)).finally(() => { this.asking = null; });
    const token = await this.asking;
    if (!token) throw new Refusal("The server asks for a token; choose the pair again to give it.", "token");
    sessionStorage.setItem(TOKEN_KEY, token);
  }
}

async function reach(address, request) {
  try {
    return await fetch(address, request);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal("The server does not answer, or broke off; see whether `ssvif serve` still runs.");
  }
}

async function refusalOf(answer) {
  const problem = await answer.json().catch(() => ({}));
  const line = [problem.detail, problem.title].find((text) => typeof text === "string" && text);
  return new Refusal(line ?? `The server answered ${answer.status}.`, problem.code);
}

function secondsToWait(answer) {
  if (!BUSY.has(answer.status)) return null;
  const seconds = Number(answer.headers.get("Retry-After") ?? (answer.status === 429 ? 1 : NaN));
  return seconds >= 0 && seconds <= LONGEST_WAIT ? Math.max(seconds, 0.2) : null;
}

function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, 1000 * seconds);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    }, { once: true });
  });
}

/** Read a Server-Timing header: [{name, ms}]. */
export function spansOf(header) {
  return (header ?? "").split(",").map((part) => {
    const [name, ...terms] = part.split(";").map((term) => term.trim());
    const duration = terms.find((term) => term.startsWith("dur="));
    return { name, ms: duration ? Number(duration.slice(4)) : NaN };
  }).filter(({ name, ms }) => name && Number.isFinite(ms));
}
