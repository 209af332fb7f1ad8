// One take on the screen: its videos one after the other as one, counted in frames. A frame is shown by seeking to its
// middle, which no rounding of times can miss.

const FAR_SECONDS = 0.5; // what is further behind another take than that is brought up with it by a seek
const CATCH_UP_SECONDS = 0.2; // in about so many what is nearer is
const MOST_HURRY = 0.5; // of the speed

const span = (part) => part.rate[1] / part.rate[0];
const begin = (part, frame) => (part.begins ? part.begins[frame] : frame * span(part));
const end = (part, frame) => (frame + 1 < part.frames ? begin(part, frame + 1) : begin(part, frame) + span(part));
const middle = (part, frame) => (begin(part, frame) + end(part, frame)) / 2;

function frameIn(part, time) {
  let frame = Math.floor(time / span(part) + 0.05);
  if (part.begins) frame = part.begins.findLastIndex((at) => at <= time + 1e-4);
  return Math.max(0, Math.min(part.frames - 1, frame));
}

export function timecode(frame, take) {
  const rate = take?.parts[0] ? Math.round(1 / span(take.parts[0])) : 24;
  const seconds = Math.floor(frame / rate);
  const two = (number) => String(number).padStart(2, "0");
  return [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60, frame % rate].map(two).join(":");
}

export class Reel {
  // box: where it is shown. onFrame(): another frame is wanted or shown. onEnd(): it has played to its end. onTrouble(words).
  constructor(box, { onFrame = () => {}, onEnd = () => {}, onTrouble = () => {} } = {}) {
    Object.assign(this, { box, onFrame, onEnd, onTrouble, take: null, frame: 0, playing: false, speed: 1, muted: false, videos: [], active: 0 });
  }

  load(take, frame = 0) {
    this.unload();
    this.take = take;
    this.box.style.setProperty("--w", take.parts[0]?.width ?? 16);
    this.box.style.setProperty("--h", take.parts[0]?.height ?? 9);
    this.videos = take.parts.map((part, index) => this.#video(part, index));
    this.box.prepend(...this.videos);
    this.seek(frame);
  }

  unload() {
    this.playing = false;
    for (const video of this.videos) {
      video.pause();
      video.removeAttribute("src");
      video.load(); // lets go of the connection
      video.remove();
    }
    Object.assign(this, { take: null, videos: [], active: 0, frame: 0 });
    delete this.box.dataset.shown;
  }

  get frames() { return this.take?.frames ?? 0; }

  // Seconds from the take's beginning to the middle of the present frame.
  get time() { return this.take ? this.#before(this.active) + middle(this.#part, this.frame - this.#part.first) : 0; }

  get #part() { return this.take.parts[this.active]; }

  #before(index) {
    return this.take.parts.slice(0, index).reduce((sum, part) => sum + end(part, part.frames - 1), 0);
  }

  frameAt(time) {
    let index = 0;
    while (index + 1 < this.take.parts.length && this.#before(index + 1) <= time) index += 1;
    const part = this.take.parts[index];
    return part.first + frameIn(part, time - this.#before(index));
  }

  seek(frame) {
    if (!this.frames) return;
    this.frame = Math.max(0, Math.min(this.frames - 1, frame));
    const index = this.take.parts.findLastIndex((part) => part.first <= this.frame);
    this.#activate(index);
    this.wanted = this.videos[index].currentTime = middle(this.#part, this.frame - this.#part.first);
    this.onFrame();
  }

  async play() {
    if (!this.frames) return;
    if (this.frame >= this.frames - 1) this.seek(0);
    this.playing = true;
    this.onFrame();
    const video = this.videos[this.active];
    video.playbackRate = this.speed;
    video.muted = this.muted;
    try {
      await video.play();
    } catch (refused) {
      if (refused.name === "AbortError") return; // paused, or another take, before it began
      this.pause();
      throw refused;
    }
  }

  pause() {
    if (!this.take) return;
    const played = this.playing;
    this.playing = false;
    this.videos[this.active]?.pause();
    if (played) this.seek(this.frame); // the middle of what was seen last
  }

  setSpeed(speed) {
    this.speed = speed;
    for (const video of this.videos) video.playbackRate = speed;
  }

  setMuted(muted) {
    this.muted = muted;
    for (const video of this.videos) video.muted = muted;
  }

  // Shows what another reel shows at this moment; while both play, by going a little faster or slower: a seek holds it up.
  follow(other) {
    if (!this.frames) return;
    const frame = this.frameAt(other.time);
    if (other.playing !== this.playing && (!other.playing || frame < this.frames - 1)) {
      if (other.playing) { this.seek(frame); this.play(); } else this.pause();
    }
    if (!other.playing) this.seek(frame);
    else if (this.playing) this.#keepUp(other, frame);
  }

  #keepUp(other, frame) {
    const video = this.videos[this.active];
    if (video.seeking || other.videos[other.active].seeking) return;
    const late = other.#now - this.#now;
    if (Math.abs(late) > FAR_SECONDS) this.seek(frame);
    else video.playbackRate = this.speed * (1 + Math.max(-MOST_HURRY, Math.min(MOST_HURRY, late / (CATCH_UP_SECONDS * this.speed))));
  }

  // Seconds from the take's beginning to where it is, between two frames too.
  get #now() { return this.#before(this.active) + this.videos[this.active].currentTime; }

  #activate(index) {
    if (index !== this.active) this.videos[this.active].pause();
    this.active = index;
    this.videos.forEach((video, number) => { video.classList.toggle("off", number !== index); });
  }

  #video(part, index) {
    const video = document.createElement("video");
    Object.assign(video, { preload: "auto", playsInline: true, disablePictureInPicture: true, tabIndex: -1, src: part.url });
    video.setAttribute("aria-hidden", "true"); // the timeline tells
    const shown = (time) => {
      if (this.active !== index || !this.videos.includes(video)) return;
      const frame = part.first + frameIn(part, time);
      this.box.dataset.shown = frame;
      if (this.playing && !video.seeking && frame !== this.frame) {
        this.frame = frame;
        this.onFrame();
      }
    };
    if (video.requestVideoFrameCallback) {
      const tick = (_, meta) => { shown(meta.mediaTime); video.requestVideoFrameCallback(tick); };
      video.requestVideoFrameCallback(tick);
    } else {
      const tick = () => { shown(video.currentTime); if (!video.paused) requestAnimationFrame(tick); };
      video.addEventListener("play", tick);
      video.addEventListener("seeked", tick);
    }
    video.addEventListener("seeked", () => {
      // Of two seeks one upon the other a busy browser may end at the first.
      const wanted = this.wanted;
      this.wanted = null;
      if (wanted !== null && !this.playing && this.active === index && Math.abs(video.currentTime - wanted) > span(part) / 4) video.currentTime = wanted;
    });
    video.addEventListener("ended", () => {
      if (this.active !== index || !this.playing) return;
      if (index + 1 < this.videos.length) {
        this.seek(part.first + part.frames);
        this.play();
      } else {
        this.playing = false;
        this.frame = this.frames - 1;
        this.onEnd();
      }
    });
    video.addEventListener("error", () => {
      if (this.videos.includes(video)) this.onTrouble(`This browser cannot play ${decodeURI(part.url.split("/").pop())}: ${video.error?.message || "unknown format"}`);
    });
    return video;
  }
}
