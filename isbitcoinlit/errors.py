"""Everything that can go wrong, as a tree.

IsBitcoinLitError
├── SettingsError
├── FeedError
│   ├── FeedUnavailable
│   │   └── FeedMissing
│   └── FeedInvalid
├── StorageError
│   ├── RedisUnavailable
│   │   └── RedisRefused
│   ├── SchemaNewer
│   ├── TimeSeriesMissing
│   └── SeriesUnusable
├── EmbeddedRedisError
│   └── DataDirectoryInUse
├── ListenError
├── OperatorError
│   ├── NameUnfit
│   ├── PasswordUnfit
│   ├── OperatorExists
│   ├── OperatorUnknown
│   ├── LoginFailed
│   ├── LoginThrottled
│   ├── TokenRefused
│   └── RemoteError
├── QueryError
│   ├── ParameterInvalid
│   ├── TooManyPoints
│   └── InsufficientData
├── FileUnfit
├── LeaseLost
├── RefreshBusy
└── NoData
"""

from typing import Any


class IsBitcoinLitError(Exception):
    """The root of all errors of this package; its text is a sentence a person can act on."""


class SettingsError(IsBitcoinLitError):
    """A setting is wrong; the service refuses to start."""


class FeedError(IsBitcoinLitError):
    """A feed gave no readings."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds the upstream asked us to wait, if it did."""


class FeedUnavailable(FeedError):
    """The feed did not answer, or answered with an error."""


class FeedMissing(FeedUnavailable):
    """The upstream answers, but has nothing at this address."""


class FeedInvalid(FeedError):
    """The feed answered, but with something that is not a feed."""


class StorageError(IsBitcoinLitError):
    """Redis did not do what was asked of it."""


class RedisUnavailable(StorageError):
    """Redis cannot be reached, or cannot serve right now."""


class RedisRefused(RedisUnavailable):
    """Redis answers, but refuses what somebody has to set right: rights, memory, a disk."""


class SchemaNewer(StorageError):
    """A newer version of this service keeps its data in this Redis."""


class TimeSeriesMissing(StorageError):
    """The server answers, but has no time-series commands."""


class SeriesUnusable(StorageError):
    """A key of ours holds something that is not our time series."""


class EmbeddedRedisError(IsBitcoinLitError):
    """The embedded Redis Stack cannot be found or does not start."""


class DataDirectoryInUse(EmbeddedRedisError):
    """Another process runs on the same data directory."""


class ListenError(IsBitcoinLitError):
    """The address to listen on cannot be had."""


class OperatorError(IsBitcoinLitError):
    """Something about operators is not as it was said to be."""


class NameUnfit(OperatorError):
    """A name that an operator cannot have."""


class PasswordUnfit(OperatorError):
    """A password that is too easily guessed, or too long to be hashed."""


class OperatorExists(OperatorError):
    """There is an operator of that name already."""


class OperatorUnknown(OperatorError):
    """There is no operator of that name."""


class LoginFailed(OperatorError):
    """The name or the password is wrong; which of the two is not told."""


class LoginThrottled(OperatorError):
    """There were too many failed logins."""

    def __init__(self, message: str, *, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds until the next try is looked at."""


class TokenRefused(OperatorError):
    """A token is not ours, or not good any more."""


class RemoteError(OperatorError):
    """Another service of this kind cannot be reached, or refused what it was asked for."""


class QueryError(IsBitcoinLitError):
    """A question about the past cannot be answered as it was asked."""

    def __init__(self, message: str, **facts: Any) -> None:
        super().__init__(message)
        self.facts = facts
        """What a program needs to ask better."""


class ParameterInvalid(QueryError):
    """One of the parameters makes no sense."""

    def __init__(self, parameter: str, reason: str) -> None:
        super().__init__(
            f"{parameter}: {reason}", errors=[{"parameter": parameter, "reason": reason}]
        )


class TooManyPoints(QueryError):
    """The answer would be longer than answers may be."""


class InsufficientData(QueryError):
    """There are not enough readings to say anything."""


class FileUnfit(IsBitcoinLitError):
    """A file is not one that readings can be taken from."""


class LeaseLost(IsBitcoinLitError):
    """The lease ended while its holder still worked; another process may hold it now."""


class RefreshBusy(IsBitcoinLitError):
    """Another process is refreshing, and did not finish in the time a caller can wait."""


class NoData(IsBitcoinLitError):
    """There is no reading yet."""
