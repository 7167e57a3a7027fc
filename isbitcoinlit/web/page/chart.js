// Price and sentiment on one time axis.

import { BaselineSeries, LineSeries, createChart } from "./lightweight-charts.js";
import { count, minute, price, sentiment } from "./verdict.js";

// How the ranges are cut into buckets: a few hundred points each. All in seconds.
const RANGES = {
  "3h": { interval: "1m", seconds: 60, span: 10_800 },
  "24h": { interval: "5m", seconds: 300, span: 86_400 },
  "7d": { interval: "30m", seconds: 1_800, span: 604_800 },
  "30d": { interval: "4h", seconds: 14_400, span: 2_592_000 },
};
const CLEAR = "transparent";
const METRICS = ["price", "sentiment"];

/** A bucket of the chart; `at` in seconds since the epoch, numbers null where there is a gap. */
const bucket = (row) => ({
  at: Date.parse(row.time) / 1_000,
  price: row.price,
  sentiment: row.sentiment,
  samples: { price: row.price_samples ?? 1, sentiment: row.sentiment_samples ?? 1 },
});

export class PriceChart {
  #box;
  #note;
  #show;
  #chart;
  #series;
  #dots;
  #buckets = [];
  #range = "24h"; // of the buckets
  #asked = "24h";
  #loads = 0;
  #loading = false;

  /** `show` is told of the bucket under the crosshair, or of null. */
  constructor(box, note, show) {
    this.#box = box;
    this.#note = note;
    this.#show = show;
    this.#chart = createChart(box, {
      autoSize: true,
      layout: { attributionLogo: false, background: { color: CLEAR }, fontSize: 12, panes: { enableResize: false } },
      grid: { vertLines: { visible: false } },
      rightPriceScale: { borderVisible: false, minimumWidth: 64, entireTextOnly: true },
      timeScale: { borderVisible: false, timeVisible: true, secondsVisible: false, fixLeftEdge: true, fixRightEdge: true },
      handleScroll: { vertTouchDrag: false }, // that scrolls the page
      localization: { locale: "en-US", timeFormatter: (at) => `${minute(at * 1_000)} UTC` },
    });
    this.#series = {
      price: this.#chart.addSeries(LineSeries, { lineWidth: 2, priceLineVisible: false, priceFormat: { type: "custom", minMove: 0.01, formatter: (value) => count(Math.round(value)) } }, 0),
      sentiment: this.#chart.addSeries(BaselineSeries, { lineWidth: 1.5, priceLineVisible: false, baseValue: { type: "price", price: 0 }, priceFormat: { type: "custom", minMove: 0.001, formatter: (value) => value.toFixed(2).replace("-", "−") } }, 1),
    };
    // A reading without neighbours is no line.
    const dot = { lineVisible: false, pointMarkersVisible: true, pointMarkersRadius: 2, priceLineVisible: false, lastValueVisible: false, crosshairMarkerVisible: false };
    this.#dots = { price: this.#chart.addSeries(LineSeries, dot, 0), sentiment: this.#chart.addSeries(LineSeries, dot, 1) };
    this.#series.price.priceScale().applyOptions({ scaleMargins: { top: 0.06, bottom: 0.1 } });
    this.#series.sentiment.priceScale().applyOptions({ scaleMargins: { top: 0.14, bottom: 0.1 } });
    const [top, bottom] = this.#chart.panes();
    top.setStretchFactor(2);
    bottom.setStretchFactor(1);
    this.#dress();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#dress());
    this.#chart.subscribeCrosshairMove(({ time }) => this.#point(time));
    box.addEventListener("keydown", (event) => this.#key(event));
  }

  async load(range) {
    const mine = ++this.#loads;
    const { interval } = RANGES[range];
    this.#asked = range;
    this.#loading = true;
    try {
      const answer = await fetch(`api/v1/series?from=now-${range}&interval=${interval}&limit=5000`, { cache: "no-store" });
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      const { data } = await answer.json();
      if (mine !== this.#loads) return; // another range was chosen meanwhile
      const same = this.#range === range && this.#buckets.length > 0;
      this.#range = range;
      this.#buckets = data.map(bucket);
      this.#draw();
      if (!same) this.#chart.timeScale().fitContent();
      this.#note.textContent = this.#buckets.some((b) => b.price !== null || b.sentiment !== null) ? "" : "No readings in this range yet.";
    } catch {
      if (mine === this.#loads) this.#lack(range);
    } finally {
      if (mine === this.#loads) this.#loading = false;
    }
  }

  // Under the button of one range, nothing of another is shown.
  #lack(range) {
    if (range === this.#range && this.#buckets.length) return;
    this.#range = range;
    this.#buckets = [];
    this.#draw();
    this.#note.textContent = "The history cannot be had just now.";
  }

  /** Let a new reading grow the newest bucket, or begin the next one. */
  add(reading) {
    const { seconds, span } = RANGES[this.#range];
    const at = Math.floor(Date.parse(reading.time) / 1_000 / seconds) * seconds;
    let last = this.#buckets.at(-1);
    if (!last && !this.#loading) this.load(this.#asked); // now that the service speaks again
    if (!last || at < last.at) return;
    while (last.at < at) {
      last = { at: last.at + seconds, price: null, sentiment: null, samples: { price: 0, sentiment: 0 } };
      this.#buckets.push(last);
    }
    // A page left open for a week still shows a day.
    this.#buckets = this.#buckets.filter((b) => b.at >= last.at - span);
    for (const metric of METRICS) {
      if (reading[metric] === null) continue;
      const samples = last[metric] === null ? 0 : last.samples[metric];
      last[metric] = ((last[metric] ?? 0) * samples + reading[metric]) / (samples + 1);
      last.samples[metric] = samples + 1;
    }
    this.#draw();
    this.#note.textContent = "";
  }

  #draw() {
    for (const metric of METRICS) {
      this.#series[metric].setData(this.#points(metric));
      this.#dots[metric].setData(this.#alone(metric));
    }
    this.#box.setAttribute("aria-label", this.#summary());
  }

  // The library joins the points on both sides of a gap, in the colour of the earlier one.
  #points(metric) {
    const clear = metric === "price" ? { color: CLEAR } : { topLineColor: CLEAR, bottomLineColor: CLEAR, topFillColor1: CLEAR, topFillColor2: CLEAR, bottomFillColor1: CLEAR, bottomFillColor2: CLEAR };
    return this.#buckets.map(({ at, [metric]: value }, i) => {
      if (value === null) return { time: at };
      return this.#buckets[i + 1]?.[metric] === null ? { time: at, value, ...clear } : { time: at, value };
    });
  }

  #alone(metric) {
    const absent = (i) => (this.#buckets[i]?.[metric] ?? null) === null;
    return this.#buckets.map(({ at, [metric]: value }, i) =>
      !absent(i) && absent(i - 1) && absent(i + 1) ? { time: at, value } : { time: at },
    );
  }

  #point(time) {
    const found = time === undefined ? undefined : this.#buckets.find(({ at }) => at === time);
    this.#show(found ? { ...found, time: found.at * 1_000 } : null);
  }

  #summary() {
    const prices = this.#buckets.map((b) => b.price).filter((value) => value !== null);
    const moods = this.#buckets.map((b) => b.sentiment).filter((value) => value !== null);
    if (!prices.length || !moods.length) return "Chart of price and sentiment, with no readings yet";
    return `Chart of the last ${this.#range}: price from ${price(prices[0])} to ${price(prices.at(-1))} US dollars, between ${price(Math.min(...prices))} and ${price(Math.max(...prices))}; sentiment from ${sentiment(moods[0])} to ${sentiment(moods.at(-1))}`;
  }

  #key(event) {
    const scale = this.#chart.timeScale();
    const seen = scale.getVisibleLogicalRange();
    if (!seen || event.ctrlKey || event.metaKey || event.altKey) return;
    const tenth = (seen.to - seen.from) / 10;
    const moves = { ArrowLeft: [-1, -1], ArrowRight: [1, 1], "+": [1, -1], "=": [1, -1], "-": [-1, 1] };
    if (event.key === "0") scale.fitContent();
    else if (event.key in moves) {
      const [from, to] = moves[event.key];
      scale.setVisibleLogicalRange({ from: seen.from + from * tenth, to: seen.to + to * tenth });
    } else return;
    event.preventDefault();
  }

  #dress() {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    const fill = (name, strength) => `${colour(name)}${strength}`;
    this.#chart.applyOptions({
      layout: { textColor: colour("soft"), fontFamily: style.fontFamily, panes: { separatorColor: colour("line") } },
      grid: { horzLines: { color: colour("line") } },
      crosshair: { vertLine: { color: colour("soft"), labelBackgroundColor: colour("unknown") }, horzLine: { color: colour("soft"), labelBackgroundColor: colour("unknown") } },
    });
    this.#series.price.applyOptions({ color: colour("price") });
    this.#dots.price.applyOptions({ color: colour("price") });
    this.#dots.sentiment.applyOptions({ color: colour("soft") });
    this.#series.sentiment.applyOptions({
      topLineColor: colour("up"), topFillColor1: fill("up", "55"), topFillColor2: fill("up", "11"),
      bottomLineColor: colour("down"), bottomFillColor1: fill("down", "11"), bottomFillColor2: fill("down", "55"),
    });
  }
}
