-- Takes one of `count` places in the last `per_ms`, or says how long until one is free. Used by limits.py.
--
-- KEYS[1]  a sorted set: one member a taken place, its score the millisecond at which it was taken
-- ARGV[1]  places
-- ARGV[2]  milliseconds for which a place is taken
-- ARGV[3]  name of the place; whoever has it already is asked for no second one
-- Returns 0, or the milliseconds to wait.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
if redis.call('ZSCORE', KEYS[1], ARGV[3]) then
  return 0
end
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[1]) then
  local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2]
  return math.max(1, oldest + ARGV[2] - now)
end
redis.call('ZADD', KEYS[1], now, ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 0
