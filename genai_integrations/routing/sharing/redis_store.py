"""State in Redis: each exchange is one script, so that nobody sees half of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genai_integrations.routing.sharing.store import FORGOTTEN, SEEN, Found, Sent, StoreAway
from genai_integrations.runtime.redis_link import RedisAway, redis_link

_EXCHANGE = """
local fresh = redis.call('HSETNX', KEYS[1], 'since', redis.call('TIME')[1])
local first = redis.call('SET', KEYS[2], '1', 'NX', 'EX', ARGV[4])
local at, amounts = 5, tonumber(ARGV[2])
for _ = 1, amounts do
  if first then redis.call('HINCRBYFLOAT', KEYS[1], 'n:' .. ARGV[at], ARGV[at + 1]) end
  at = at + 2
end
for _ = 1, tonumber(ARGV[3]) do
  redis.call('HSETNX', KEYS[1], 'f:' .. ARGV[at], ARGV[at + 1])
  at = at + 2
end
if ARGV[1] ~= '0' then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return {fresh, redis.call('HGETALL', KEYS[1])}
"""
# Effects are copied to replicas and not the script, which reads the clock; newer servers do nothing else.
_EXCHANGE = "pcall(redis.replicate_commands)" + _EXCHANGE

_COOLDOWNS = """
pcall(redis.replicate_commands)
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
for at = 2, #ARGV, 2 do
  local ends = now + ARGV[at + 1]
  local known = redis.call('HGET', KEYS[1], ARGV[at])
  if known and tonumber(ARGV[at + 1]) > 0 then
    ends = math.max(ends, tonumber(string.match(known, '^(%d+)')))
  end
  redis.call('HSET', KEYS[1], ARGV[at], string.format('%.0f %.0f', ends, now))
end
local found = {string.format('%.0f', now)}
local all = redis.call('HGETALL', KEYS[1])
for at = 1, #all, 2 do
  local ends, said = string.match(all[at + 1], '^(%d+) (%d+)$')
  if math.max(tonumber(ends), tonumber(said)) + ARGV[1] < now then
    redis.call('HDEL', KEYS[1], all[at])
  else
    found[#found + 1] = all[at]
    found[#found + 1] = ends
    found[#found + 1] = said
  end
end
return found
"""

_MICRO = 1_000_000
"""In a second. What was said in the same one is taken to be said at once, so it must be short."""


class RedisStore:
    """Keeps state in Redis, each mirror's as one hash.

    Args:
        url: As `runtime.redis_link` takes it.

    Raises:
        ConfigurationError: It is no such address, or the `redis` package is missing.
    """

    def __init__(self, url: str) -> None:
        self._link = redis_link(url)
        self.where = self._link.where

    def exchange(self, key: str, sent: Sent) -> Found:
        """Add what a mirror has to tell, and give what all have told, at one moment."""
        words: list[Any] = [sent.seconds, len(sent.amounts), len(sent.firsts), SEEN]
        for field, amount in sent.amounts.items():
            words += [field, repr(float(amount))]
        for number, text in sent.firsts.items():
            words += [number, text]
        seen = f"{key}:seen:{sent.token}"
        fresh, rows = self._ask(lambda redis: redis.eval(_EXCHANGE, 2, key, seen, *words))
        amounts: dict[str, float] = {}
        firsts: dict[int, str] = {}
        for field, value in zip(rows[::2], rows[1::2], strict=True):
            kind, _, name = field.decode().partition(":")
            if kind == "n":
                amounts[name] = float(value)
            elif kind == "f":
                firsts[int(name)] = value.decode()
        return Found(bool(fresh), amounts, firsts)

    def cooldowns(
        self, key: str, changes: Mapping[str, float]
    ) -> Mapping[str, tuple[float, float]]:
        """Note which cooldowns began or ended, and give those of all; the clock is the server's."""
        words: list[Any] = [int(FORGOTTEN * _MICRO)]
        for name, seconds in changes.items():
            words += [name, int(seconds * _MICRO)]
        now, *rows = self._ask(lambda redis: redis.eval(_COOLDOWNS, 1, key, *words))
        triples = zip(rows[::3], rows[1::3], rows[2::3], strict=True)
        return {
            name.decode(): (max((float(ends) - float(now)) / _MICRO, 0.0), float(said) / _MICRO)
            for name, ends, said in triples
        }

    def _ask(self, work: Any) -> Any:
        try:
            return self._link.ask(work)
        except RedisAway as error:
            raise StoreAway(str(error)) from None
