"""Token buckets: so many requests a second, and so many at once above that. The clock comes from outside."""

from cachetwin_local.topology.http_apis import Throttle

__all__ = ["TokenBucket", "bucket_of"]

_ACCOUNT_RATE = 10_000.0  # of an account and region, unless raised
_ACCOUNT_BURST = 5_000


class TokenBucket:
    """A bucket that holds `burst` tokens and gains `rate` a second; each request takes one."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._at_s: float | None = None

    def take(self, now_s: float) -> bool:
        """Whether there is a token for a request."""
        if self._at_s is not None:
            self._tokens = min(self._burst, self._tokens + (now_s - self._at_s) * self._rate)
        self._at_s = now_s
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


def bucket_of(throttle: Throttle) -> TokenBucket:
    """The bucket of a stage or a route; what it does not set is the account's."""
    rate = _ACCOUNT_RATE if throttle.rate is None else throttle.rate
    return TokenBucket(rate, _ACCOUNT_BURST if throttle.burst is None else throttle.burst)
