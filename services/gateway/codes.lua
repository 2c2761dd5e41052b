-- Tries a one-time code. Used by signin.py.
--
-- KEYS[1]  the code of one person: a hash {hash, attempts}, gone when it has expired
-- ARGV[1]  hash of the code that was given
-- ARGV[2]  wrong attempts after which the code is dead
-- Returns 'right' (and the code is used up), 'wrong', 'dead' or 'none'.
local known = redis.call('HMGET', KEYS[1], 'hash', 'attempts')
if not known[1] then
  return 'none'
end
if tonumber(known[2]) >= tonumber(ARGV[2]) then
  return 'dead'
end
if known[1] == ARGV[1] then
  redis.call('DEL', KEYS[1])
  return 'right'
end
redis.call('HINCRBY', KEYS[1], 'attempts', 1)
return 'wrong'
