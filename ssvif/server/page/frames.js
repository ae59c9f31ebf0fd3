/** Frames of a playing video, and which of two cameras' frames belong together. */

const KEPT = 8; // frames of each video: what one element may run ahead of the other
const SLACK = 0.001; // seconds that a browser's times may be rounded by

/** The last frames that a video showed, copied while it plays. */
export class Frames {
  /** @param seen Called when there is a new frame. */
  constructor(video, seen) {
    this.video = video;
    this.seen = seen;
    this.kept = [];
    this.free = [];
    this.ended = false;
    this.#next();
  }

  end() {
    this.ended = true;
    this.clear();
  }

  clear() {
    while (this.kept.length) this.#forget(0);
  }

  /** Keep a frame's pixels as they are until it is released. */
  hold(frame) {
    frame.held = true;
  }

  release(frame) {
    frame.held = false;
    if (!this.kept.includes(frame)) this.free.push(frame.canvas);
  }

  #next() {
    if (this.ended) return;
    this.video.requestVideoFrameCallback((_, { mediaTime }) => {
      if (this.ended) return;
      this.#copy(mediaTime);
      this.#next();
      this.seen();
    });
  }

  #copy(time) {
    const { videoWidth, videoHeight } = this.video;
    const canvas = this.free.pop() ?? document.createElement("canvas");
    if (canvas.width !== videoWidth || canvas.height !== videoHeight) {
      [canvas.width, canvas.height] = [videoWidth, videoHeight];
    }
    canvas.getContext("2d").drawImage(this.video, 0, 0);
    const again = this.kept.findIndex((frame) => frame.time === time);
    if (again >= 0) this.#forget(again);
    this.kept.push({ time, canvas, held: false });
    this.kept.sort((one, other) => one.time - other.time);
    if (this.kept.length > KEPT) this.#forget(0);
  }

  #forget(at) {
    const [frame] = this.kept.splice(at, 1);
    if (!frame.held) this.free.push(frame.canvas);
  }
}

/** Return the smallest step between frames' times, or null of fewer than two. */
export function stepOf(frames) {
  const steps = frames.slice(1).map((frame, at) => frame.time - frames[at].time);
  return steps.length ? Math.min(...steps) : null;
}

/**
 * Return the newest visible frame with the infrared frame nearest to it in time.
 *
 * @param vis @param ir Frames in the order of their times.
 * @param apart The most seconds between them.
 * @returns [vis, ir], or null.
 */
export function newestPair(vis, ir, apart) {
  for (const frame of vis.toReversed()) {
    const distance = (other) => Math.abs(other.time - frame.time);
    const nearest = ir.reduce(
      (best, other) => (best && distance(best) <= distance(other) ? best : other), null,
    );
    if (nearest && distance(nearest) <= apart + SLACK) return [frame, nearest];
  }
  return null;
}
