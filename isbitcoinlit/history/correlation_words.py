"""Correlations in words: what was found, how, and what it does not mean."""

from collections.abc import Mapping, Sequence

from isbitcoinlit.history.correlation import (
    LEVEL_OF_SIGNIFICANCE,
    Coefficient,
    Finding,
    Measure,
    best,
    by_lag,
)
from isbitcoinlit.history.documents import Record
from isbitcoinlit.series.buckets import Interval

CAVEAT = (
    "A correlation in the past is no cause and no forecast. Lags, windows and intervals can be "
    "tried until one looks good, and only those of this answer are corrected for. This is not "
    "financial advice."
)
METHOD: Mapping[str, str] = {
    "returns": "natural logarithm of a bucket's last price over the last price of the bucket "
    "before",
    "sentiment": "mean of the bucket (level), and its difference to the bucket before (change)",
    "lag": "in buckets; positive: sentiment leads, negative: the price leads",
    "pairs": "by time; buckets without a reading are left out, never filled",
    "p": "Student's t, two-sided, with the effective number of pairs by Bartlett's formula "
    "(Bretherton et al. 1999, eq. 31)",
    "p_corrected": "Holm's correction over all lags, measures and coefficients of this answer",
}

_COEFFICIENTS = tuple(Coefficient)
_UNITS = {"s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week"}


def columns() -> list[str]:
    """Return the names of the columns of a lag, in order."""
    names = ["lag"]
    for measure in Measure:
        names.append(f"{measure}_n")
        for kind in _COEFFICIENTS:
            name = f"{measure}_{kind}"
            names += [name, f"{name}_effective_n", f"{name}_p", f"{name}_p_corrected"]
    return names


def records(findings: Sequence[Finding]) -> list[Record]:
    """Return one flat record for each lag."""
    return [_record(lag, found) for lag, found in by_lag(findings).items()]


def best_of_each(findings: Sequence[Finding], interval: Interval) -> list[Record]:
    """Return, for each way of comparing, the lag that chance explains least."""
    told: list[Record] = []
    for measure in Measure:
        for kind in _COEFFICIENTS:
            mine = [f for f in findings if f.measure is measure and f.kind is kind]
            found = best(mine)
            told.append(
                {
                    "measure": measure,
                    "coefficient": kind,
                    "lag": found.lag if found else None,
                    "value": found.coefficient if found else None,
                    "p_corrected": found.p_corrected if found else None,
                    "significant": found.significant if found else False,
                    "words": _sentence(measure, found, interval),
                }
            )
    return told


def _record(lag: int, findings: Sequence[Finding]) -> Record:
    record: dict[str, float | None] = {"lag": lag}
    for finding in findings:
        name = f"{finding.measure}_{finding.kind}"
        record[f"{finding.measure}_n"] = finding.pairs
        record[name] = finding.coefficient
        record[f"{name}_effective_n"] = finding.effective
        record[f"{name}_p"] = finding.p
        record[f"{name}_p_corrected"] = finding.p_corrected
    return record


def _sentence(measure: Measure, found: Finding | None, interval: Interval) -> str:
    what = "Sentiment" if measure is Measure.LEVEL else "The change of sentiment"
    if found is None or found.coefficient is None:
        return f"{what} cannot be compared: it, or the price, did not vary, or too little is known."
    if found.lag == 0:
        when = f"{what} and the price move in the same bucket"
    elif found.lag > 0:
        when = f"{what} leads the price by {_length(found.lag, interval)}"
    else:
        when = f"The price leads {what[0].lower()}{what[1:]} by {_length(-found.lag, interval)}"
    sign = "higher goes with higher" if found.coefficient > 0 else "higher goes with lower"
    percent = f"{LEVEL_OF_SIGNIFICANCE:.0%}"
    if found.significant:
        return f"{when}: {sign} returns (significant at {percent})."
    return f"No lag is significant at {percent}; the least unlikely: {when}, {sign} returns."


def _length(buckets: int, interval: Interval) -> str:
    number = buckets * int(interval[:-1])
    unit = _UNITS[interval[-1]]
    return f"{number} {unit}{'s' if number != 1 else ''}"
