/** What the page says: the status line and the error line, both read out by screen readers. */

import { Refusal } from "./api.js";

const find = (id) => document.getElementById(id);
let before = ""; // what was said before the server was busy
let waiting = ""; // what is said while it is

export function sayStatus(line) {
  if (find("status").textContent !== line) find("status").textContent = line;
}

/** Say that the server is busy; with 0 seconds, say again what was said before. */
export function sayWait(seconds) {
  const line = find("status").textContent;
  if (seconds) {
    if (line !== waiting) before = line;
    waiting = `The server is busy; asking again in ${Math.ceil(seconds)} s.`;
    sayStatus(waiting);
  } else if (line === waiting) {
    sayStatus(before);
  }
}

/** Show an error; without a line, take it away. */
export function sayError(line = "") {
  find("error-text").textContent = line;
  find("error").hidden = !line;
  if (line) {
    sayStatus("");
    find("error").scrollIntoView({ block: "nearest" });
  }
}

export function wireErrors() {
  find("error-close").addEventListener("click", () => {
    sayError();
    find("main").focus({ preventScroll: true });
  });
}

/** Say what went wrong, but not what was stopped on purpose. */
export function sayFailure(error) {
  if (error.name === "AbortError") return;
  if (!(error instanceof Refusal)) console.error(error);
  sayError(error.message || String(error));
}
