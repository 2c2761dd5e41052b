-- Asks whether a request with this key is to be carried out now. Used by idempotency.py.
--
-- KEYS[1]  the request: a hash {fingerprint, answer once there is one, until: the millisecond at which whoever carries
--          it out has certainly given up}
-- ARGV[1]  fingerprint of what is asked
-- ARGV[2]  milliseconds that carrying it out may take
-- ARGV[3]  milliseconds for which the key is remembered
-- Returns {'run'}, {'busy'}, {'other'} (the key was used for another request) or {'done', answer}.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local known = redis.call('HMGET', KEYS[1], 'fingerprint', 'answer', 'until')
if known[1] and known[1] ~= ARGV[1] then
  return {'other'}
end
if known[2] then
  return {'done', known[2]}
end
if known[3] and tonumber(known[3]) > now then
  return {'busy'}
end
redis.call('HSET', KEYS[1], 'fingerprint', ARGV[1], 'until', now + ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return {'run'}
