"""What a process notes for its operator to be alarmed by; whoever sees it happen notes it here."""

from dataclasses import dataclass

from isbitcoinlit.clock import Clock


@dataclass(slots=True)
class Signals:
    """Counts that only grow, and states as they are now."""

    clock: Clock
    failovers: int = 0
    """Times that another Redis was found to be the primary."""
    subscription_resets: int = 0
    """Times that reading other processes' events broke off and began again."""
    holds_lease: bool = False
    """Whether the turn was this process's when it last asked for it."""
    last_write: float | None = None
    """When Redis last acknowledged what a refresh wrote, in epoch seconds."""

    def failed_over(self) -> None:
        """Note that another Redis was found to be the primary."""
        self.failovers += 1

    def wrote(self) -> None:
        """Note that Redis has just acknowledged what a refresh wrote."""
        self.last_write = self.clock.now().timestamp()

    def totals(self) -> dict[str, float]:
        """Return the counts, by metric name without prefix and suffix."""
        return {"failovers": self.failovers, "subscription_resets": self.subscription_resets}

    def gauges(self) -> dict[str, float]:
        """Return the states, by metric name without the prefix."""
        states: dict[str, float] = {"lease_holder": float(self.holds_lease)}
        if self.last_write is not None:
            states["last_write_timestamp_seconds"] = self.last_write
        return states
