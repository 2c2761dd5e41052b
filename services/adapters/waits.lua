-- One wait into those of its hour, once for each window; of too many the earliest goes. Used by services/adapters/waits.py.
--
-- KEYS[1]  a hash: window -> "SECONDS RANG", such as "95.5 1"
-- KEYS[2]  a sorted set of the same windows, by when they began
-- ARGV[1]  the window
-- ARGV[2]  when it began, in milliseconds
-- ARGV[3]  what is kept of it
-- ARGV[4]  how many are kept
-- ARGV[5]  seconds after which all of them may be forgotten
if redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[3]) == 0 then
  return 0
end
redis.call('ZADD', KEYS[2], ARGV[2], ARGV[1])
for _, window in ipairs(redis.call('ZRANGE', KEYS[2], 0, -tonumber(ARGV[4]) - 1)) do
  redis.call('HDEL', KEYS[1], window)
  redis.call('ZREM', KEYS[2], window)
end
redis.call('EXPIRE', KEYS[1], ARGV[5])
redis.call('EXPIRE', KEYS[2], ARGV[5])
return 1
