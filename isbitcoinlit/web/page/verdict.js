// The snapshot in words; the same words that the server puts into the page (snapshot/verdict.py).

const COUNT = new Intl.NumberFormat("en-US");
const PRICE = new Intl.NumberFormat("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const ABSENT = "–";

/** "lit", "not lit" or "unknown". */
export function verdict(snapshot) {
  if (snapshot.stale || !comparedHours(snapshot)) return "unknown";
  return snapshot.is_bitcoin_lit ? "lit" : "not lit";
}

/** What the verdict rests on, in one line. */
export function reason(snapshot) {
  if (snapshot.stale) return `newest reading known is of ${minute(snapshot.as_of)} UTC`;
  const hours = comparedHours(snapshot);
  if (!hours) return "too few hours with both price and sentiment";
  const { price_direction: price, sentiment_direction: sentiment } = snapshot;
  const both = price === sentiment;
  const way = both ? `price and sentiment ${price}` : `price ${price}, sentiment ${sentiment}`;
  return `${way} over the last ${hours} hours`;
}

function comparedHours(snapshot) {
  const span = (metric) => {
    const hours = snapshot.hourly_average_of_averages;
    const present = hours.flatMap((hour, i) => (hour[metric] === null ? [] : [i]));
    return present.length > 1 ? present.at(-1) - present[0] + 1 : 0;
  };
  return Math.min(span("price"), span("sentiment"));
}

/** How long ago, from seconds. */
export function ago(seconds) {
  const units = [[86_400, "day"], [3_600, "hour"], [60, "minute"], [1, "second"]];
  const whole = Math.max(0, Math.floor(seconds));
  const [size, name] = units.find(([size]) => whole >= 2 * size) ?? [1, "second"];
  const number = Math.floor(whole / size);
  return `${COUNT.format(number)} ${name}${number === 1 ? "" : "s"} ago`;
}

/** "2021-07-07 17:30", in UTC. */
export const minute = (time) => new Date(time).toISOString().slice(0, 16).replace("T", " ");

/** "17:00", in UTC. */
export const hour = (time) => new Date(time).toISOString().slice(11, 16);

export const count = (number) => COUNT.format(number);
export const price = (value) => (value == null ? ABSENT : PRICE.format(value));

export function sentiment(value) {
  if (value == null) return ABSENT;
  const text = Math.abs(value).toFixed(3);
  return (value < 0 && Number(text) ? "−" : "+") + text;
}
