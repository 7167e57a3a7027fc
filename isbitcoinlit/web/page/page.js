// Keeps true what the server wrote into the page.

import { Live } from "./live.js";
import * as words from "./verdict.js";

const root = document.documentElement;
const at = (id) => document.getElementById(id);
const write = (id, text) => {
  if (at(id).textContent !== text) at(id).textContent = text; // or screen readers repeat it
};

const LINKS = { none: "Not live", live: "Live", polling: "Polling", disconnected: "Disconnected" };
const STATES = { ok: "is ok", stale: "is stale", failing: "is failing", unknown: "cannot be asked" };

const page = {
  chart: null,
  range: "24h",
  pointed: null, // what is under the crosshair
  // From the server: snapshot, newest reading, number of readings, when readings count as stale.
  state: JSON.parse(at("state").textContent),

  snapshot(snapshot) {
    // Another feed speaks now: its readings are another history.
    if (snapshot.feed !== root.dataset.feed) this.resync();
    this.state.snapshot = snapshot;
    this.fresh();
    at("age").hidden = at("hours").hidden = false;
    at("as-of").dateTime = snapshot.as_of;
    at("hours-rows").replaceChildren(...snapshot.hourly_average_of_averages.map(row));
    this.tick();
  },

  /** A snapshot grows stale while the page looks at it. */
  fresh() {
    const { snapshot, stale_after } = this.state;
    if (!snapshot) return;
    const stale = snapshot.stale || age(snapshot) > stale_after;
    const seen = { ...snapshot, stale };
    const verdict = words.verdict(seen);
    root.dataset.verdict = verdict.replace(" ", "-");
    root.dataset.stale = stale;
    this.pill();
    write("verdict", verdict[0].toUpperCase() + verdict.slice(1));
    write("reason", words.reason(seen));
    document.title = `${at("verdict").textContent} · Is Bitcoin lit?`;
    at("stale").hidden = !stale;
    write("stale", stale ? `Stale: the newest reading is of ${words.minute(snapshot.as_of)} UTC.` : "");
  },

  reading(reading) {
    if (reading.feed !== root.dataset.feed) return;
    this.count();
    const { snapshot, newest } = this.state;
    if (snapshot && reading.time > snapshot.as_of) snapshot.as_of = reading.time;
    if (reading.time > newest.time) {
      newest.time = reading.time;
      for (const metric of ["price", "sentiment"]) newest[metric] = reading[metric] ?? newest[metric];
    }
    this.chart?.add(reading);
    this.show();
    this.tick();
  },

  /** One reading more than before, if it is known how many there were. */
  count() {
    const { state } = this;
    if (state.readings !== null) write("readings", words.count((state.readings += 1)));
    else if (!state.counting) {
      state.counting = true;
      this.resync();
    }
  },

  /** What is under the crosshair, or else the newest reading. */
  show() {
    const { time, price, sentiment } = this.pointed ?? this.state.newest;
    write("price-now", words.price(price));
    write("sentiment-now", words.sentiment(sentiment));
    write("time-now", time ? words.minute(time) : "–");
  },

  status(status) {
    if (status.feed !== root.dataset.feed) return;
    if (status.state) this.feed(status.state);
    if ("stale" in status && this.state.snapshot) {
      this.state.snapshot.stale = status.stale;
      this.fresh();
    }
  },

  feed(state) {
    at("feed").dataset.state = state;
    write("feed-state", STATES[state] ?? state);
  },

  /** Something was not told: ask the server for all that the page knows. */
  async resync() {
    const answer = await fetch("./", { cache: "no-store" }).catch(() => null);
    if (!answer?.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    this.state = JSON.parse(fresh.getElementById("state").textContent);
    root.dataset.feed = fresh.documentElement.dataset.feed;
    write("feed-name", root.dataset.feed);
    at("demo").hidden = fresh.getElementById("demo").hidden;
    write("readings", fresh.getElementById("readings").textContent);
    this.feed(fresh.getElementById("feed").dataset.state);
    if (this.state.snapshot) this.snapshot(this.state.snapshot);
    this.show();
    await this.chart?.load(this.range);
  },

  polled() {
    this.chart?.load(this.range);
  },

  link(link) {
    root.dataset.link = link;
    this.pill();
    const lost = link === "disconnected";
    const since = words.minute(Date.now() - ahead);
    at("disconnected").hidden = !lost;
    write("disconnected", lost ? `Disconnected since ${since} UTC. What is shown may be out of date; trying again.` : "");
    if (lost) this.feed("unknown");
  },

  pill() {
    const { link, stale } = root.dataset;
    write("link-text", link === "live" && stale === "true" ? "Stale" : LINKS[link]);
  },

  tick() {
    const { snapshot } = this.state;
    if (!snapshot) return;
    at("as-of").textContent = words.ago(age(snapshot));
    this.fresh();
  },
};

// By the server's clock: the reader's own may be wrong.
const ahead = Date.now() - Date.parse(page.state.now);
const age = (snapshot) => (Date.now() - ahead - Date.parse(snapshot.as_of)) / 1_000;

function row(hour) {
  const line = document.createElement("tr");
  const head = document.createElement("th");
  head.scope = "row";
  head.textContent = words.hour(hour.time);
  if (hour.partial) head.append(Object.assign(document.createElement("small"), { textContent: "so far" }));
  line.append(head);
  for (const text of [words.price(hour.price), words.sentiment(hour.sentiment), words.count(hour.samples)])
    line.append(Object.assign(document.createElement("td"), { textContent: text }));
  return line;
}

function point(at) {
  page.pointed = at;
  page.show();
}

async function choose(range) {
  page.range = range;
  for (const button of document.querySelectorAll("[data-range]"))
    button.setAttribute("aria-pressed", button.dataset.range === range);
  await page.chart?.load(range);
}

for (const button of document.querySelectorAll("[data-range]"))
  button.addEventListener("click", () => choose(button.dataset.range));

// The server cannot know the address that a proxy in front of it has.
write("curl", `curl ${new URL("is-bitcoin-lit", document.baseURI)}`);

at("copy").addEventListener("click", async () => {
  const range = document.createRange();
  range.selectNodeContents(at("curl"));
  getSelection().removeAllRanges();
  getSelection().addRange(range);
  // Without a secure context there is no clipboard; then the command is selected, at least.
  const copied = await navigator.clipboard?.writeText(at("curl").textContent).then(() => true, () => false);
  at("copy").textContent = copied ? "Copied" : "Selected";
  setTimeout(() => (at("copy").textContent = "Copy"), 2_000);
});

setInterval(() => page.tick(), 1_000);
page.tick();
new Live(page).start();

if (at("chart").dataset.chart === "built") {
  const { PriceChart } = await import("./chart.js");
  page.chart = new PriceChart(at("chart"), at("chart-note"), point);
  await page.chart.load(page.range);
}
