/** Renders a model's card. Text stays text: no HTML of the card is ever parsed. */

const INLINE = /`([^`]+)`|\*\*([^*]+)\*\*|\*([^*\s][^*]*)\*|\[([^\]]*)\]\(([^)\s]*)\)/g;
const RULE = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;
const BLOCKS = [
  [/^```/, fence],
  [/^#{1,6}\s/, heading],
  [/^( {4}|\t)/, indented],
  [/^\s*\|/, table],
  [/^\s*[-*+]\s/, (lines) => list(lines, "ul", /^\s*[-*+]\s+/)],
  [/^\s*\d+[.)]\s/, (lines) => list(lines, "ol", /^\s*\d+[.)]\s+/)],
];

/** Return a fragment that shows `text`; its first headings are of `level`. */
export function render(text, level = 3) {
  const fragment = document.createDocumentFragment();
  const lines = String(text).replace(/\r\n?/g, "\n").split("\n");
  while (lines.length) {
    if (!lines[0].trim()) {
      lines.shift();
      continue;
    }
    const [, block] = BLOCKS.find(([start]) => start.test(lines[0])) ?? [null, paragraph];
    fragment.append(block(lines, level));
  }
  return fragment;
}

function element(tag, ...children) {
  const made = document.createElement(tag);
  made.append(...children);
  return made;
}

/** Split a line into text, code, emphasis and links. */
function inline(text) {
  const parts = [];
  let last = 0;
  for (const found of text.matchAll(INLINE)) {
    parts.push(text.slice(last, found.index), inlinePart(found));
    last = found.index + found[0].length;
  }
  return [...parts, text.slice(last)];
}

function inlinePart([whole, code, strong, emphasis, words, address]) {
  if (code) return element("code", code);
  if (strong) return element("strong", strong);
  if (emphasis) return element("em", emphasis);
  if (!/^https?:\/\//.test(address)) return whole;
  const link = element("a", words || address);
  link.href = address;
  link.rel = "noopener noreferrer";
  link.target = "_blank";
  return link;
}

function take(lines, belongs) {
  const taken = [];
  while (lines.length && belongs(lines[0])) taken.push(lines.shift());
  return taken;
}

function fence(lines) {
  lines.shift();
  const code = take(lines, (line) => !line.startsWith("```"));
  lines.shift();
  return element("pre", element("code", code.join("\n")));
}

function indented(lines) {
  const code = take(lines, (line) => /^( {4}|\t)/.test(line));
  return element("pre", element("code", code.map((line) => line.replace(/^( {4}|\t)/, "")).join("\n")));
}

function heading(lines, level) {
  const [, marks, text] = lines.shift().match(/^(#{1,6})\s+(.*?)\s*#*$/) ?? [null, "#", ""];
  return element(`h${Math.min(level + marks.length - 1, 6)}`, ...inline(text));
}

function paragraph(lines) {
  const first = lines.shift();
  const starts = (line) => BLOCKS.some(([start]) => start.test(line) && !/^( {4}|\t)/.test(line));
  const rest = take(lines, (line) => line.trim() && !starts(line));
  return element("p", ...inline([first, ...rest].map((line) => line.trim()).join(" ")));
}

function list(lines, tag, mark) {
  const items = [];
  while (lines.length && mark.test(lines[0])) {
    const first = lines.shift().replace(mark, "");
    const rest = take(lines, (line) => /^\s+\S/.test(line) && !mark.test(line));
    items.push(element("li", ...inline([first, ...rest].map((line) => line.trim()).join(" "))));
  }
  return element(tag, ...items);
}

function table(lines) {
  const rows = take(lines, (line) => /^\s*\|/.test(line));
  const hasHead = rows.length > 1 && RULE.test(rows[1]);
  const head = hasHead ? [row(rows[0], "th")] : [];
  const body = rows.slice(hasHead ? 2 : 0).map((line) => row(line, "td"));
  const made = element("table", element("thead", ...head), element("tbody", ...body));
  const scroll = element("div", made);
  scroll.className = "scroll";
  scroll.tabIndex = 0; // so that keys can scroll it
  scroll.setAttribute("role", "group");
  scroll.setAttribute("aria-label", "Table");
  return scroll;
}

function row(line, tag) {
  const inner = line.trim().replace(/^\|/, "").replace(/\|$/, "");
  return element("tr", ...inner.split("|").map((cell) => element(tag, ...inline(cell.trim()))));
}
