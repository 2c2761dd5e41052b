-- Where a telephone can be pushed to, kept in its session and so ended with it. Used by services/adapters/subscriptions.py.
--
-- KEYS[1]  the session: a hash {person, phone, and of a telephone that is rung: push, push_mark}
-- ARGV[1]  "save": a session that lives takes the subscription; returns 0 if it has ended
--          "drop": the subscription goes, if it is still this one; returns 1 if it went
-- ARGV[2]  mark of the subscription: a digest of its address
-- ARGV[3]  the subscription as JSON (save)
if ARGV[1] == 'save' then
  if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
  redis.call('HSET', KEYS[1], 'push', ARGV[3], 'push_mark', ARGV[2])
  return 1
end
if redis.call('HGET', KEYS[1], 'push_mark') ~= ARGV[2] then return 0 end
return redis.call('HDEL', KEYS[1], 'push', 'push_mark') > 0 and 1 or 0
