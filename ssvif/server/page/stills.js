/** A pair of images: asks the server for each view once, and shows it beside a source. */

import { sayStatus } from "./say.js";
import { SIDES, VIEWS, save } from "./views.js";

export class Stills {
  /**
   * @param files {vis, ir}.
   * @param parts {api, viewer, timing, range}: the last one is a query's part, of raw infrared.
   * @param choice {view, side}: what is to be shown.
   */
  constructor(files, { api, viewer, timing, range }, choice) {
    Object.assign(this, { files, api, viewer, timing, range, choice });
    this.answers = new Map();
    this.shown = null; // the view on the stage
    this.waiting = 0; // of what is asked for
    this.addresses = [];
    this.ended = new AbortController();
    this.sides = Object.fromEntries(
      Object.keys(SIDES).map((side) => [side, this.#image(files[side]).catch(() => null)]),
    );
  }

  start() {
    return this.show(this.choice);
  }

  /** Show the chosen view and side. */
  async show(choice) {
    this.choice = choice;
    const answer = await this.#whileBusy(() => this.#view(choice.view));
    if (this.choice !== choice || this.ended.signal.aborted) return;
    const { viewer } = this;
    const name = VIEWS[choice.view].name;
    viewer.shape(answer.element.naturalWidth, answer.element.naturalHeight);
    viewer.show("over", answer.over ?? null, "Segmentation");
    viewer.show("right", answer.element, name);
    this.shown = choice.view;
    this.timing.show(answer);
    await this.side(choice.side);
    if (this.choice !== choice || !viewer.compares) return;
    sayStatus(`${name} view of ${this.files.vis.name}, in ${Math.round(answer.roundTrip)} ms.`);
  }

  /** Show a source at the left; what the browser cannot show leaves the fused image alone. */
  async side(side) {
    this.choice.side = side;
    const element = await this.sides[side];
    if (this.ended.signal.aborted || this.choice.side !== side) return;
    this.viewer.show("left", element, element ? SIDES[side] : "");
    if (!element) sayStatus(`This browser cannot show ${this.files[side].name} beside it.`);
  }

  /** Save what is shown, as the server made it. */
  async download(format) {
    const { view } = this.choice;
    const shown = await this.#view(view);
    const made = format === "png" || view === "segments"
      ? shown
      : await this.#whileBusy(() => this.#ask({ ...VIEWS[view].query, format }));
    save(made.blob, this.files.vis, view);
  }

  end() {
    this.ended.abort();
    this.viewer.busy = false;
    for (const address of this.addresses) URL.revokeObjectURL(address);
  }

  /** Return a view's answer, asked for once; a failed one may be asked for again. */
  #view(view) {
    if (!this.answers.has(view)) {
      const asked = view === "segments" ? this.#segments() : this.#fused(view);
      this.answers.set(view, asked);
      asked.catch(() => this.answers.delete(view));
    }
    return this.answers.get(view);
  }

  async #fused(view) {
    const answer = await this.#ask({ ...VIEWS[view].query, format: "png" });
    return { ...answer, element: await this.#image(answer.blob) };
  }

  async #segments() {
    const { element } = await this.#view("fused");
    const answer = await this.api.segment(this.files, this.range, this.ended.signal);
    return { ...answer, element, over: await this.#image(answer.blob) };
  }

  #ask(options) {
    return this.api.fuse(this.files, { ...options, ...this.range }, this.ended.signal);
  }

  async #image(blob) {
    const image = new Image();
    image.src = URL.createObjectURL(blob);
    this.addresses.push(image.src);
    await image.decode();
    return image;
  }

  async #whileBusy(action) {
    this.waiting += 1;
    this.viewer.busy = true;
    sayStatus("Fusing…");
    try {
      return await action();
    } finally {
      this.waiting -= 1;
      if (!this.ended.signal.aborted) this.viewer.busy = this.waiting > 0;
    }
  }
}
