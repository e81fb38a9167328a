"""Counts on Redis: one atomic script, one round trip for all the rates of a request."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from api_guard import conf
from api_guard.core.rates import BUCKETS, PARTS, Counter, Usage
from api_guard.limits.counters.scripts import Script

# The same arithmetic as in core/rates/windows.py. It uses the clock of the server, because the
# clocks of the processes may differ. A counter has one key or three: its own key, the spare key
# that is used when too many counters are stored, and the key with the number of stored counters. It
# has five arguments: its limit, its cost, its period in milliseconds, the parts of a sliding window
# (0 for a fixed window), and how many keys it has. Before them come two arguments: what to do
# (take, ask or give back) and how many counters may be stored.
_SCRIPT = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local answer, states, is_full = {}, {}, false

local function fixed(key, limit, cost, period)
  local used = tonumber(redis.call('GET', key) or '0')
  local reset = redis.call('PTTL', key)
  if reset <= 0 then used, reset = 0, period end
  return used, reset, used + cost > limit and reset or 0
end

local function sliding(key, limit, cost, period, parts)
  local length = math.floor(period / parts)
  local current = math.floor(now / length)
  local stored = redis.call('HGETALL', key)
  local counting, stale, used = {}, {}, 0
  for i = 1, #stored, 2 do
    local part, count = tonumber(stored[i]), tonumber(stored[i + 1])
    if part < current - parts or count <= 0 then
      stale[#stale + 1] = stored[i]
    else
      counting[#counting + 1] = {part, count}
      used = used + count
    end
  end
  table.sort(counting, function(one, other) return one[1] < other[1] end)
  local function leaves(part) return (part + parts + 1) * length - now end
  local reset = counting[1] and leaves(counting[1][1]) or period
  local wait, left = used + cost > limit and reset or 0, used
  for _, each in ipairs(counting) do
    if left + cost <= limit then break end
    wait, left = leaves(each[1]), left - each[2]
  end
  return used, reset, wait, current, stale, period + 2 * length
end

local most = tonumber(ARGV[2])
local function place(key, spare, stored)
  if not spare or redis.call('EXISTS', key) == 1 then return key, false end
  if tonumber(redis.call('GET', stored) or '0') < most then return key, true end
  return spare, false
end

local keys, is_new, numbers, at = {}, {}, {}, 1
for i = 1, (#ARGV - 2) / 5 do
  local own, spare, stored = KEYS[at], nil, nil
  local count = tonumber(ARGV[i * 5 + 2])
  if count == 3 then spare, stored = KEYS[at + 1], KEYS[at + 2] end
  at = at + count
  keys[i], is_new[i] = place(own, spare, stored)
  if keys[i] == own then numbers[i] = stored end
end

local function number(i, change, period)
  local stored = numbers[i]
  if not stored then return end
  if redis.call('INCRBY', stored, change) == change then
    redis.call('PEXPIRE', stored, period)
  end
end

for i, key in ipairs(keys) do
  local at = (i - 1) * 5 + 2
  local limit, cost = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local period, parts = tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4])
  local used, reset, wait, part, stale, keep
  if parts == 0 then
    used, reset, wait = fixed(key, limit, cost, period)
  else
    used, reset, wait, part, stale, keep = sliding(key, limit, cost, period, parts)
  end
  is_full = is_full or wait > 0
  states[i] = {used, reset, wait, cost, period, part, stale, keep}
end

local units = {take = 1, ask = 0, give = -1}
local sign = units[ARGV[1]]
if sign > 0 and is_full then sign = 0 end
for i, key in ipairs(keys) do
  local used, reset, wait, cost, period, part, stale, keep = unpack(states[i], 1, 8)
  local more = math.max(sign * cost, -used)
  if more ~= 0 then
    if is_new[i] then number(i, 1, period) end
    if part then
      if #stale > 0 then redis.call('HDEL', key, unpack(stale)) end
      redis.call('HINCRBY', key, part, more)
      redis.call('PEXPIRE', key, keep)
    elseif used == 0 then
      redis.call('SET', key, more, 'PX', reset)
    elseif used + more == 0 then
      redis.call('DEL', key)
      number(i, -1, period)
    else
      redis.call('INCRBY', key, more)
    end
  end
  answer[i] = string.format('%d %d %d', used + more, reset, wait)
end
return table.concat(answer, ' ')
"""


class RedisCounters:
    """Counters on one Redis server, through the client of a Django cache, with our own timeouts.

    The server may also be Valkey, or the master that a Sentinel names.
    """

    def __init__(self, cache: Any, client: Any) -> None:
        self._cache = cache
        self._client = client
        self._script = Script(client, _SCRIPT)

    def take(self, counters: Sequence[Counter], *, count: bool = True) -> tuple[Usage, ...]:
        """Take the cost of all the rates, or take nothing if one rate refuses."""
        answers = self._run("take" if count else "ask", counters)
        pairs = zip(counters, answers, strict=True)
        return tuple([Usage(c.rate, used, _seconds(r), _seconds(w)) for c, (used, r, w) in pairs])

    def give_back(self, counters: Sequence[Counter]) -> None:
        """Undo a `take` that was allowed."""
        self._run("give", counters)

    def forget(self, counters: Sequence[Counter]) -> None:
        """Start again at zero."""
        self._client.delete(*(self._key(counter.name, counter.bucket) for counter in counters))

    def _run(self, what: str, counters: Sequence[Counter]) -> list[tuple[int, int, int]]:
        keys: list[str] = []
        arguments: tuple[bytes, ...] = (what.encode(), b"%d" % self._most(counters))
        for counter in counters:
            own, rate = self._keys_of(counter), counter.rate
            keys += own
            arguments += _arguments(rate.limit, rate.cost, rate.seconds, rate.is_sliding, len(own))
        # One string: a client reads it much faster than nested lists.
        said = iter([int(number) for number in self._script(keys, arguments).split()])
        return list(zip(said, said, said, strict=True))

    def _keys_of(self, counter: Counter) -> list[str]:
        own = self._key(counter.name, counter.bucket)
        if not counter.spare:
            return [own]
        stored = f"api_guard:stored:{counter.kind}:{counter.rate.seconds}"
        return [own, *(self._key(name, counter.bucket) for name in (counter.spare, stored))]

    def _key(self, name: str, _bucket: str) -> str:
        key: str = self._cache.make_key(name)
        return key

    def _most(self, _counters: Sequence[Counter]) -> int:
        return conf.max_counters()


class ClusterCounters(RedisCounters):
    """Counters on a cluster. A script runs on one machine and finds its keys there.

    All keys of a bucket have the same hash tag, so they are in the same slot. The tag comes first,
    because only the first one counts and a `KEY_PREFIX` may have braces too.
    """

    def _key(self, name: str, bucket: str) -> str:
        return f"{{api_guard:{bucket}}}{super()._key(name, bucket)}"

    def _most(self, counters: Sequence[Counter]) -> int:
        # Each bucket counts its own keys. All counters without a bucket share one.
        most = super()._most(counters)
        return -(-most // BUCKETS) if counters[0].bucket else most


@lru_cache(maxsize=1024)
def _arguments(
    limit: int, cost: int, seconds: int, is_sliding: bool, keys: int
) -> tuple[bytes, ...]:
    numbers = (limit, cost, seconds * 1000, PARTS if is_sliding else 0, keys)
    return tuple(b"%d" % number for number in numbers)


def _seconds(milliseconds: int) -> int:
    return -(-milliseconds // 1000)
