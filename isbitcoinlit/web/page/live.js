// Keeps the page in step with the service: by its stream, else by polls, and says which.

const QUIET = 10_000; // ms without a word, after which the service is asked whether it is there
const ANSWER = 5_000; // ms that an answer may take
const SHORT = 3_000; // ms of silence that are no news: a restart, a changed network
const AGAIN = 30_000; // ms until a refused stream is asked for again
const SPREAD = 3_000; // ms within which all pages that missed something ask for everything
const LATE = 2; // polls that knew more than an open stream, after which it is not believed
const HIDDEN = 60_000; // ms after which a page that nobody sees gives its connection back

/** Tell `page` what happens: `snapshot`, `reading`, `status`, `resync` and `link`. */
export class Live {
  #page;
  #source = null;
  #heard = performance.now();
  #refused = -Infinity;
  #asking = false;
  #link = "none";
  #hidden = 0;
  #told = -Infinity; // of when the newest snapshot is that a stream has brought
  #missed = 0; // polls since the last event that knew of something newer

  constructor(page) {
    this.#page = page;
  }

  start() {
    this.#open();
    setInterval(() => this.#look(), 1_000);
    document.addEventListener("visibilitychange", () => this.#seen(!document.hidden));
  }

  #open() {
    const source = new EventSource("api/v1/stream");
    this.#source = source;
    source.onopen = () => this.#hear(this.#way());
    source.onerror = () => this.#lose(source);
    for (const kind of ["snapshot", "reading", "status"]) {
      source.addEventListener(kind, (event) => {
        const news = JSON.parse(event.data);
        this.#missed = 0;
        if (kind === "snapshot") this.#told = Date.parse(news.as_of);
        this.#hear("live");
        this.#page[kind](news);
      });
    }
    source.addEventListener("resync", () => setTimeout(() => this.#page.resync(), Math.random() * SPREAD));
  }

  // The browser comes back by itself after a broken connection, but not after a refusal.
  #lose(source) {
    if (source.readyState === EventSource.CLOSED) this.#close();
    this.#ask();
  }

  #close() {
    this.#source?.close();
    this.#source = null;
    this.#refused = performance.now();
  }

  // A proxy may keep back what a stream says, or keep it open when its other end is gone.
  #check(snapshot) {
    if (this.#source?.readyState !== EventSource.OPEN || Date.parse(snapshot.as_of) <= this.#told) return;
    this.#missed += 1;
    if (this.#missed < LATE) return;
    this.#close();
    if (this.#missed > LATE) return; // a new one was no better: later
    this.#open();
    this.#page.resync();
  }

  #way() {
    return this.#source?.readyState === EventSource.OPEN && this.#missed < LATE ? "live" : "polling";
  }

  #hear(link) {
    this.#heard = performance.now();
    this.#tell(link);
  }

  #tell(link) {
    if (link === this.#link) return;
    const before = this.#link;
    this.#link = link;
    this.#page.link(link);
    // What happened meanwhile is in the history, if not in the stream.
    if (before === "disconnected") this.#page.resync();
  }

  #look() {
    const now = performance.now();
    if (this.#hidden && now - this.#hidden > HIDDEN) return this.#close();
    const quiet = now - this.#heard;
    if (quiet > (this.#link === "disconnected" ? SHORT : QUIET)) this.#ask();
    if (!this.#source && !this.#hidden && now - this.#refused > AGAIN) this.#open();
  }

  #seen(visible) {
    this.#hidden = visible ? 0 : performance.now();
    if (!visible || this.#source) return;
    this.#open();
    this.#page.resync();
  }

  // The question that tells silence from absence, and the whole of polling.
  async #ask() {
    if (this.#asking) return;
    this.#asking = true;
    try {
      const signal = AbortSignal.timeout(ANSWER);
      const answer = await fetch("is-bitcoin-lit", { cache: "no-store", signal });
      const snapshot = await read(answer);
      if (snapshot) this.#check(snapshot);
      const link = this.#way();
      this.#hear(link);
      if (snapshot) this.#page.snapshot(snapshot);
      if (link === "polling") this.#page.polled();
    } catch {
      if (performance.now() - this.#heard > SHORT) this.#tell("disconnected");
    } finally {
      this.#asking = false;
    }
  }
}

/** The snapshot in an answer, or null where the service says that there is none. */
async function read(answer) {
  // What a proxy says in place of a service that is gone is no word of the service.
  const type = answer.headers.get("content-type") ?? "";
  if (type.startsWith("application/problem+json")) return null;
  if (!answer.ok || !type.startsWith("application/json")) throw new Error(`status ${answer.status}`);
  return answer.json();
}
