/** The stage: two images with a divider that mouse, finger and arrow keys move. */

const STEP = 10; // of Page Up and Page Down, in per cent

export class Viewer {
  constructor(stage) {
    this.stage = stage;
    this.position = stage.querySelector("input[type=range]");
    this.layers = Object.fromEntries(
      [...stage.querySelectorAll("[data-layer]")].map((layer) => [layer.dataset.layer, layer]),
    );
    this.tags = Object.fromEntries(
      [...stage.querySelectorAll("[data-tag]")].map((tag) => [tag.dataset.tag, tag]),
    );
    this.position.addEventListener("input", () => this.#follow());
    this.position.addEventListener("keydown", (event) => this.#page(event));
    stage.addEventListener("pointerdown", (event) => this.#drag(event));
    this.#follow();
  }

  /** Show an element (image or canvas) in a layer, or nothing. */
  show(name, element, label = "") {
    const layer = this.layers[name];
    if (element && layer.firstElementChild !== element) layer.replaceChildren(element);
    if (!element) layer.replaceChildren();
    if (element) describe(element, label);
    if (this.tags[name]) this.tags[name].textContent = label;
    this.stage.classList.toggle("single", !this.compares);
    this.position.disabled = !this.compares;
    this.#follow();
  }

  /** Take on the shape of what is shown. */
  shape(width, height) {
    this.stage.style.setProperty("--width", width);
    this.stage.style.setProperty("--height", height);
  }

  /** Whether there is something at the left. */
  get compares() {
    return Boolean(this.layers.left.firstElementChild);
  }

  set opacity(share) {
    this.stage.style.setProperty("--opacity", share);
  }

  set busy(is) {
    this.stage.classList.toggle("waiting", is);
    this.stage.setAttribute("aria-busy", String(is));
  }

  #follow() {
    const percent = Number(this.position.value);
    this.stage.style.setProperty("--position", `${percent}%`);
    const [left, right] = [this.tags.left.textContent, this.tags.right.textContent];
    this.position.setAttribute(
      "aria-valuetext", `${percent} per cent ${left}, the rest ${right}`,
    );
    this.tags.left.classList.toggle("gone", percent < 12);
    this.tags.right.classList.toggle("gone", percent > 88);
  }

  #move(percent) {
    this.position.value = String(Math.min(Math.max(percent, 0), 100));
    this.#follow();
  }

  #page(event) {
    const step = { PageUp: STEP, PageDown: -STEP }[event.key];
    if (!step) return;
    event.preventDefault();
    this.#move(Number(this.position.value) + step);
  }

  #drag(event) {
    if (event.button !== 0 || this.position.disabled) return;
    const box = this.stage.getBoundingClientRect();
    const follow = ({ clientX }) => this.#move((100 * (clientX - box.left)) / box.width);
    const ended = new AbortController();
    const options = { signal: ended.signal };
    this.stage.setPointerCapture(event.pointerId);
    this.stage.addEventListener("pointermove", follow, options);
    // A finger that turns out to scroll the page sends pointercancel.
    for (const end of ["pointerup", "pointercancel"]) {
      this.stage.addEventListener(end, () => ended.abort(), options);
    }
    this.position.focus({ preventScroll: true });
    if (event.pointerType === "mouse") event.preventDefault();
    follow(event);
  }
}

function describe(element, label) {
  if (element instanceof HTMLImageElement) {
    element.alt = `${label} image`;
    element.draggable = false;
  } else {
    element.setAttribute("role", "img");
    element.setAttribute("aria-label", `${label} frame`);
  }
}
