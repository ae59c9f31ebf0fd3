/** Raw values of black and white, which infrared of more than 8 bits needs. */

const find = (id) => document.getElementById(id);
const fields = () => ({ ir_black: find("ir-black"), ir_white: find("ir-white") });

/** Return what a request says of the range: nothing until both values are there. */
export function rangeQuery() {
  const values = Object.entries(fields()).map(([name, field]) => [name, field.value.trim()]);
  return values.every(([, value]) => value !== "") ? Object.fromEntries(values) : {};
}

/** Ask for the range where a refusal is about it. */
export function askRange(error) {
  if (error.code !== "ir_range") return;
  find("range").hidden = false;
  fields().ir_black.focus();
}

/** @param changed Called when there is another whole range. */
export function wireRange(changed) {
  find("range").addEventListener("submit", (event) => {
    event.preventDefault();
    if (Object.keys(rangeQuery()).length) changed();
  });
}
