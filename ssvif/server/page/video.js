/** A pair of videos: plays both, pairs their frames by time, and shows each pair fused. */

import { Frames, newestPair, stepOf } from "./frames.js";
import { Refusal } from "./api.js";
import { sayFailure, sayStatus } from "./say.js";
import { SIDES, VIEWS, save } from "./views.js";

const QUALITY = 0.92; // of the JPEG that frames are sent as
const DRIFT = 0.15; // seconds that one video may be ahead before it is set back
const USUAL_STEP = 0.04; // seconds, until two frames were seen
const CLOCK = 250; // milliseconds
const FIRST_WAIT = 1500; // milliseconds for the first frame, before the videos play

const find = (id) => document.getElementById(id);

export class Videos {
  /** Arguments as of Stills; `inputs` shows the videos while they play. */
  constructor(files, { api, viewer, timing, inputs }, choice) {
    Object.assign(this, { files, api, viewer, timing, choice });
    this.ended = new AbortController();
    this.fused = document.createElement("canvas");
    this.source = document.createElement("canvas");
    this.videos = {};
    this.step = {};
    this.count = 0; // of frames that were fused
    this.turn = 0; // of the pairs that were sent; an answer of an earlier one comes too late
    this.sending = this.failed = false;
    this.shown = null; // the view on the stage
    for (const camera of Object.keys(SIDES)) {
      this.videos[camera] = videoOf(files[camera]);
      inputs.picture(camera, this.videos[camera]);
    }
  }

  async start() {
    if (!("requestVideoFrameCallback" in HTMLVideoElement.prototype)) {
      throw new Refusal("This browser cannot hand over a video's frames; use a newer one.");
    }
    await Promise.all(Object.keys(SIDES).map((camera) => this.#loaded(camera)));
    if (this.ended.signal.aborted) return;
    const seen = () => this.#send();
    this.frames = Object.fromEntries(
      Object.entries(this.videos).map(([camera, video]) => [camera, new Frames(video, seen)]),
    );
    const options = { signal: this.ended.signal };
    find("playing").hidden = false;
    find("time").max = String(this.#duration());
    find("play").addEventListener("click", () => this.#toggle(), options);
    find("time").addEventListener("input", ({ target }) => this.#seek(Number(target.value)), options);
    for (const video of Object.values(this.videos)) {
      video.addEventListener("ended", () => this.#stopAtEnd(), options);
    }
    const clock = setInterval(() => this.#keepTime(), CLOCK);
    this.ended.signal.addEventListener("abort", () => clearInterval(clock));
    const first = new Promise((resolve, reject) => { this.first = { resolve, reject }; });
    this.#seek(0); // shows the first pair even where a slow machine skips most frames later
    await Promise.race([first, new Promise((resolve) => setTimeout(resolve, FIRST_WAIT))]);
    if (this.ended.signal.aborted) return;
    await Promise.all([this.#play(), first]);
  }

  /** Show another view or side: of the frame at hand, if it does not play. */
  async show(choice) {
    this.choice = choice;
    if (!this.last) return;
    if (this.videos.vis.paused) await this.#fuse(this.last);
    else this.sentTime = null; // the frame under way may be the last one
  }

  async side(side) {
    this.choice.side = side;
    if (this.last) this.#showSide();
  }

  async download() {
    if (this.blob) save(this.blob, this.files.vis, this.blob.view);
  }

  end() {
    this.ended.abort();
    for (const frames of Object.values(this.frames ?? {})) frames.end();
    for (const video of Object.values(this.videos)) {
      video.pause();
      URL.revokeObjectURL(video.src);
    }
    find("playing").hidden = true;
    this.viewer.busy = false;
  }

  #duration() {
    return Math.min(...Object.values(this.videos).map((video) => video.duration || Infinity));
  }

  #loaded(camera) {
    const video = this.videos[camera];
    return new Promise((resolve, reject) => {
      video.addEventListener("loadeddata", resolve, { once: true });
      video.addEventListener("error", () => reject(new Refusal(
        `${this.files[camera].name}: this browser cannot play it; H.264 in MP4 and VP9 in WebM play `
        + "in most, and `ssvif fuse` takes the rest",
      )), { once: true });
    });
  }

  async #toggle() {
    if (this.videos.vis.paused) await this.#play().catch(sayFailure);
    else this.#stop();
  }

  async #play() {
    const { vis, ir } = this.videos;
    if (vis.ended || ir.ended) this.#seek(0);
    this.failed = false;
    this.timing.reset({ rate: true });
    find("play").textContent = "Stop";
    sayStatus("Playing.");
    await Promise.all([vis.play(), ir.play()]).catch((error) => {
      if (error.name !== "AbortError") throw error; // stopped before it began
    });
  }

  #stop() {
    const { vis, ir } = this.videos;
    vis.pause();
    ir.pause();
    find("play").textContent = "Play";
    sayStatus(`Stopped; ${this.count} frames were fused.`);
  }

  #stopAtEnd() {
    this.#stop();
    if (this.count || this.sending) return;
    this.first.reject(new Refusal(
      "No frame of one video was shown within half a frame of the other's; both must start on one clock.",
    ));
  }

  #seek(time) {
    for (const [camera, video] of Object.entries(this.videos)) {
      this.frames[camera].clear();
      video.currentTime = time;
    }
    this.sentTime = null;
  }

  /** Keep the two at one time, and show it. */
  #keepTime() {
    const { vis, ir } = this.videos;
    const playing = !vis.paused && !vis.seeking && !ir.seeking;
    if (playing && Math.abs(vis.currentTime - ir.currentTime) > DRIFT) {
      ir.currentTime = vis.currentTime;
    }
    find("time").value = String(vis.currentTime);
    find("time").setAttribute("aria-valuetext", `${vis.currentTime.toFixed(1)} seconds`);
    find("clock").textContent = `${clockOf(vis.currentTime)} / ${clockOf(this.#duration())}`;
  }

  /** Send the newest pair, if none is under way. */
  async #send() {
    if (this.sending || this.failed || this.ended.signal.aborted) return;
    const pair = this.#newest();
    if (!pair) return;
    this.sending = true;
    try {
      this.#takeOver(pair);
      await this.#fuse(pair);
    } catch (error) {
      if (error.name === "AbortError") return;
      this.failed = true; // until it plays on
      this.#stop();
      if (this.count) sayFailure(error);
      else this.first.reject(error);
    } finally {
      this.sending = false;
    }
    this.#send(); // frames that came meanwhile
  }

  #newest() {
    const [vis, ir] = [this.frames.vis.kept, this.frames.ir.kept];
    for (const [camera, frames] of Object.entries({ vis, ir })) {
      const step = stepOf(frames);
      if (step) this.step[camera] = Math.min(this.step[camera] ?? Infinity, step);
    }
    const apart = Math.max(this.step.vis ?? USUAL_STEP, this.step.ir ?? USUAL_STEP) / 2;
    const pair = newestPair(vis, ir, apart);
    return pair && pair[0].time !== this.sentTime ? pair : null;
  }

  /** Keep a pair while it is sent and shown, and let go of the one before. */
  #takeOver(pair) {
    ["vis", "ir"].forEach((camera, at) => {
      if (this.last && this.last[at] !== pair[at]) this.frames[camera].release(this.last[at]);
      this.frames[camera].hold(pair[at]);
    });
    this.last = pair;
    this.sentTime = pair[0].time;
  }

  async #fuse(pair) {
    const { signal } = this.ended;
    const choice = this.choice;
    this.turn += 1;
    const turn = this.turn;
    const [vis, ir] = await Promise.all(pair.map(({ canvas }) => jpegOf(canvas)));
    const view = VIEWS[choice.view];
    const answer = await this.api.fuse({ vis, ir }, { ...view.query, format: "jpeg" }, signal);
    const bitmap = await createImageBitmap(answer.blob);
    if (signal.aborted || turn !== this.turn) return;
    draw(this.fused, bitmap);
    bitmap.close();
    this.blob = Object.assign(answer.blob, { view: choice.view });
    this.count += 1;
    this.first.resolve();
    this.viewer.shape(this.fused.width, this.fused.height);
    this.viewer.show("over", null);
    this.viewer.show("right", this.fused, view.name);
    this.shown = choice.view;
    this.#showSide(pair);
    this.timing.show(answer);
    if (!this.videos.vis.paused) this.timing.tick();
  }

  #showSide(pair = this.last) {
    const { side } = this.choice;
    draw(this.source, pair[side === "vis" ? 0 : 1].canvas);
    this.viewer.show("left", this.source, SIDES[side]);
  }
}

function videoOf(file) {
  const video = document.createElement("video");
  video.muted = video.playsInline = true;
  video.preload = "auto";
  video.tabIndex = -1;
  video.src = URL.createObjectURL(file);
  return video;
}

function draw(canvas, source) {
  if (canvas.width !== source.width || canvas.height !== source.height) {
    [canvas.width, canvas.height] = [source.width, source.height];
  }
  canvas.getContext("2d").drawImage(source, 0, 0);
}

function jpegOf(canvas) {
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
}

function clockOf(seconds) {
  if (!Number.isFinite(seconds)) return "–";
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
}
