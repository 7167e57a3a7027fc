// Keeps true what the server wrote into the page.

import { Live } from "./live.js";
import * as words from "./verdict.js";

const root = document.documentElement;
const at = (id) => document.getElementById(id);
const write = (id, text) => {
  if (at(id).textContent !== text) at(id).textContent = text; // or screen readers repeat it
};

const LINKS = { live: "Live", polling: "Polling", disconnected: "Disconnected" };
const STATES = { ok: "is fine", stale: "has nothing new", failing: "is failing" };

const page = {
  chart: null,
  range: "24h",
  lost: null,
  // Set by the server: the snapshot, the number of readings, when readings count as stale.
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
    write("verdict", verdict[0].toUpperCase() + verdict.slice(1));
    write("reason", words.reason(seen));
    document.title = `${at("verdict").textContent} · Is Bitcoin lit?`;
    at("stale").hidden = !stale;
    write("stale", stale ? `Stale: the newest reading is of ${words.minute(snapshot.as_of)} UTC.` : "");
  },

  reading(reading) {
    if (reading.feed !== root.dataset.feed) return;
    this.state.readings += 1;
    write("readings", words.count(this.state.readings));
    const { snapshot } = this.state;
    if (snapshot && reading.time > snapshot.as_of) snapshot.as_of = reading.time;
    this.chart?.add(reading);
    this.tick();
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
    await this.chart?.load(this.range);
  },

  polled() {
    this.chart?.load(this.range);
  },

  link(link) {
    root.dataset.link = link;
    write("link-text", LINKS[link]);
    this.lost = link === "disconnected" ? new Date() : null;
    const since = this.lost && words.minute(this.lost);
    at("disconnected").hidden = !this.lost;
    write("disconnected", since ? `Disconnected since ${since} UTC. What is shown may be out of date; trying again.` : "");
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

function show(point) {
  write("price-now", words.price(point.price));
  write("sentiment-now", words.sentiment(point.sentiment));
  write("time-now", point.time ? words.minute(point.time) : "–");
}

async function choose(range) {
  page.range = range;
  for (const button of document.querySelectorAll("[data-range]"))
    button.setAttribute("aria-pressed", button.dataset.range === range);
  await page.chart?.load(range);
}

for (const button of document.querySelectorAll("[data-range]"))
  button.addEventListener("click", () => choose(button.dataset.range));

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
  page.chart = new PriceChart(at("chart"), at("chart-note"), show);
  await page.chart.load(page.range);
}
