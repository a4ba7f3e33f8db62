"""What Redis does for limits in one go each: scripts, because a claim gets all it asks for or nothing.

The keys of a limit are a sorted set of what was let through by its moment, a hash with the sums and with what each of
those took, and a sorted set of the calls at once by the moment at which they expire. A budget is one number.
"""

from __future__ import annotations

TAKE = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local id, window, lease, rows = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])

local function free_at(log, sums, over, which)
  local freed, last, from = 0, now, 0
  while true do
    local page = redis.call('ZRANGE', log, from, from + 99, 'WITHSCORES')
    if #page == 0 then return last end
    for i = 1, #page, 2 do
      local requests, tokens = string.match(redis.call('HGET', sums, page[i]) or '0:0', '(%d+):(%d+)')
      freed = freed + tonumber(which == 'rpm' and requests or tokens)
      last = page[i + 1] + window
      if freed >= over then return last end
    end
    from = from + 100
  end
end

local key, arg = 1, 5
for row = 1, rows do
  local log, sums, places = KEYS[key], KEYS[key + 1], KEYS[key + 2]
  local rpm, tpm, most = tonumber(ARGV[arg]), tonumber(ARGV[arg + 1]), tonumber(ARGV[arg + 2])
  local requests, tokens, slots = tonumber(ARGV[arg + 3]), tonumber(ARGV[arg + 4]), tonumber(ARGV[arg + 5])
  for _, old in ipairs(redis.call('ZRANGEBYSCORE', log, '-inf', now - window)) do
    local gone, used = string.match(redis.call('HGET', sums, old) or '0:0', '(%d+):(%d+)')
    redis.call('HINCRBY', sums, '#r', -gone)
    redis.call('HINCRBY', sums, '#t', -used)
    redis.call('HDEL', sums, old)
    redis.call('ZREM', log, old)
  end
  if rpm >= 0 and requests > 0 then
    local over = tonumber(redis.call('HGET', sums, '#r') or 0) + requests - rpm
    if over > 0 then return {row, 'rpm', free_at(log, sums, over, 'rpm') - now} end
  end
  if tpm >= 0 then
    local over = tonumber(redis.call('HGET', sums, '#t') or 0) + tokens - tpm
    if over > 0 then return {row, 'tpm', free_at(log, sums, over, 'tpm') - now} end
  end
  if most >= 0 and slots > 0 then
    redis.call('ZREMRANGEBYSCORE', places, '-inf', now)
    if redis.call('ZCARD', places) + slots > most then return {row, 'max_parallel', 0} end
  end
  key, arg = key + 3, arg + 6
end

local first_budget, totals = key, {}
for budget = first_budget, #KEYS do
  local most, amount, floor = tonumber(ARGV[arg]), tonumber(ARGV[arg + 1]), tonumber(ARGV[arg + 2])
  local spent = tonumber(redis.call('GET', KEYS[budget]) or floor)
  if spent + amount > most or spent >= math.max(most, 1) then
    return {-1 - (budget - first_budget), 'usd', string.format('%.0f', spent)}
  end
  totals[#totals + 1] = spent + amount
  arg = arg + 4
end

key, arg = 1, 5
for row = 1, rows do
  local log, sums, places = KEYS[key], KEYS[key + 1], KEYS[key + 2]
  local requests, tokens, slots = tonumber(ARGV[arg + 3]), tonumber(ARGV[arg + 4]), tonumber(ARGV[arg + 5])
  redis.call('ZADD', log, now, id)
  redis.call('HSET', sums, id, requests .. ':' .. tokens)
  redis.call('HINCRBY', sums, '#r', requests)
  redis.call('HINCRBY', sums, '#t', tokens)
  redis.call('PEXPIRE', log, window * 2)
  redis.call('PEXPIRE', sums, window * 2)
  if slots > 0 then
    redis.call('ZADD', places, now + lease, id)
    redis.call('PEXPIRE', places, lease * 2)
  end
  key, arg = key + 3, arg + 6
end
local told = {0}
for budget = first_budget, #KEYS do
  local total = string.format('%.0f', totals[budget - first_budget + 1])
  redis.call('SET', KEYS[budget], total, 'EX', ARGV[arg + 3])
  told[#told + 1] = total
  arg = arg + 4
end
return told
"""
"""Lets a claim in.

Keys: three for each limit, then one for each budget. Arguments: the claim's id, window and lease in milliseconds, how
many limits; for each of them `rpm`, `tpm`, `max_parallel` (-1 for none), requests, tokens, places; for each budget the
whole, what is asked, what this process last knew to be spent (for a server that was restarted and has forgotten it),
and seconds after which the number may go.

Gives 0 and what is spent of each budget; or the limit's number, or -1 and downwards for budgets, what is exceeded, and
milliseconds to wait, or what is spent.
"""

SETTLE = """
local id, rows = ARGV[1], tonumber(ARGV[2])
local arg = 3
for row = 1, rows do
  -- First of all, and for a claim that is not there too: a full server lets a script go on that has begun to write
  -- with what takes no memory, as TAKE has.
  redis.call('ZREM', KEYS[2 * row], ARGV[3 * row + 2] == '1' and id or '')
end
for row = 1, rows do
  local sums = KEYS[2 * row - 1]
  local tokens, requests = tonumber(ARGV[arg]), ARGV[arg + 1]
  local known = redis.call('HGET', sums, id)
  if known then
    local before, used = string.match(known, '(%d+):(%d+)')
    if tokens < 0 then tokens = tonumber(used) end
    local now = requests == 'keep' and before or requests
    redis.call('HSET', sums, id, now .. ':' .. tokens)
    redis.call('HINCRBY', sums, '#t', tokens - used)
    redis.call('HINCRBY', sums, '#r', now - before)
  end
  arg = arg + 3
end
return 0
"""
"""Puts right what a claim took. Keys: sums and places of each limit. Arguments: the id, how many limits; for each the
tokens (-1 to leave them), the requests (`keep` to leave them), and 1 if its place is free."""

PAY = """
-- As in SETTLE: what was reserved is put right on a full server too.
redis.call('PERSIST', KEYS[1])
local total = tonumber(redis.call('GET', KEYS[1]) or ARGV[2]) + tonumber(ARGV[1])
redis.call('SET', KEYS[1], string.format('%.0f', total), 'EX', ARGV[3])
return string.format('%.0f', total)
"""
"""Adds to what is spent of a budget. Arguments: how much, what this process last knew, seconds to keep it."""
