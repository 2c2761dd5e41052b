-- The claim: a lease on both people of an invitation, the fence before anything rings. Used by services/adapters/claims.py.
--
-- KEYS[1]  {market}:epoch        present while the claims are whole; gone after a wipe
-- KEYS[2]  {market}:fence        counter of fencing tokens
-- KEYS[3]  {market}:claim:A      "invitation|token", expires with the lease
-- KEYS[4]  {market}:claim:B      likewise for the other person
-- KEYS[5]  {market}:done:I       the invitation has ended and is never claimed again; expires after 2 h
-- ARGV[1]  claim | renew | release | restore | whole
-- ARGV[2]  invitation
-- ARGV[3]  lease in ms; for release how long the done mark stays
-- ARGV[4]  claim: wall time in ms (Redis's own clock) after which the invitation is overdue; restore: its token, or 0 for a new one
-- Returns  claim: {"granted", token} | {"busy", 1 for A + 2 for B, ms left} | {"done"} | {"wiped"}
--          renew, restore: 1 or 0; release, whole: 1
local op, invitation, ms = ARGV[1], ARGV[2], tonumber(ARGV[3])

local function token_if_ours(key)
  local held = redis.call('GET', key)
  if not held then return nil, false end
  local bar = string.find(held, '|', 1, true)
  if string.sub(held, 1, bar - 1) == invitation then return tonumber(string.sub(held, bar + 1)), false end
  return nil, true
end

if op == 'whole' then
  redis.call('SET', KEYS[1], '1')
  return 1
end

local ours_a, others_a = token_if_ours(KEYS[3])
local ours_b, others_b = token_if_ours(KEYS[4])

local function take(token)
  redis.call('SET', KEYS[3], invitation .. '|' .. token, 'PX', ms)
  redis.call('SET', KEYS[4], invitation .. '|' .. token, 'PX', ms)
end

if op == 'claim' then
  if redis.call('EXISTS', KEYS[1]) == 0 then return {'wiped'} end
  if redis.call('EXISTS', KEYS[5]) == 1 then return {'done'} end
  local time = redis.call('TIME')
  if tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000) > tonumber(ARGV[4]) then return {'done'} end
  if others_a or others_b then
    local left = math.max(redis.call('PTTL', KEYS[3]), redis.call('PTTL', KEYS[4]))
    return {'busy', (others_a and 1 or 0) + (others_b and 2 or 0), left}
  end
  local token = ours_a or ours_b or redis.call('INCR', KEYS[2])
  take(token)
  return {'granted', token}
end

if op == 'renew' then
  if not (ours_a and ours_b) then return 0 end
  redis.call('PEXPIRE', KEYS[3], ms)
  redis.call('PEXPIRE', KEYS[4], ms)
  return 1
end

if op == 'release' then
  if ours_a then redis.call('DEL', KEYS[3]) end
  if ours_b then redis.call('DEL', KEYS[4]) end
  redis.call('SET', KEYS[5], '1', 'PX', ms)
  return 1
end

if op == 'restore' then
  local fence = tonumber(redis.call('GET', KEYS[2]) or '0')
  if fence < tonumber(ARGV[4]) then redis.call('SET', KEYS[2], ARGV[4]) end
  if others_a or others_b or redis.call('EXISTS', KEYS[5]) == 1 then return 0 end
  local token = ours_a or ours_b or tonumber(ARGV[4])
  if token == 0 then token = redis.call('INCR', KEYS[2]) end
  take(token)
  return 1
end

return redis.error_reply('unknown operation ' .. op)
