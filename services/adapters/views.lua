-- One row into the live views, and the news of it to the people it concerns. Used by services/adapters/views.py.
--
-- KEYS[1]         the view of the row: a hash {version, row, shown}
-- KEYS[2], [3]    live stream and state of the first person concerned; [4], [5] of the second
-- ARGV[1]         version: a higher one wins, an equal or lower one changes nothing (redelivery, a late writer)
-- ARGV[2]         the row as JSON
-- ARGV[3]         seconds after which all of it may be forgotten; 0 for never
-- ARGV[4]         kind of the news: availability or invitation
-- ARGV[5]         order among news of that kind: the state keeps the newest, the stream all
-- ARGV[6]         the channel on which gateways listen for "this person has news"
-- ARGV[7]         entries kept in a stream
-- ARGV[8]         1 if it is news only where the view is known: the end of something that may never have been shown
-- ARGV[9]         digest of what people see of the row: without a change there the row is kept and nobody is told
-- ARGV[10], [11]  the people, in the order of KEYS
-- A state is a hash {availability, invitation: the newest row of the kind; availability_order, invitation_order; id: the
-- last entry of the stream}. Returns 1 when the view changed, 0 when it was as new already.
local known, shown = unpack(redis.call('HMGET', KEYS[1], 'version', 'shown'))
if known and tonumber(known) >= tonumber(ARGV[1]) then
  return 0
end
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'row', ARGV[2], 'shown', ARGV[9])
if tonumber(ARGV[3]) > 0 then redis.call('EXPIRE', KEYS[1], ARGV[3]) end
if shown == ARGV[9] or (not known and ARGV[8] == '1') then
  return 1
end
for i = 2, #KEYS, 2 do
  local stream, state, person = KEYS[i], KEYS[i + 1], ARGV[9 + i / 2]
  local id = redis.call('XADD', stream, 'MAXLEN', '~', ARGV[7], '*', 'kind', ARGV[4], 'row', ARGV[2])
  local order = redis.call('HGET', state, ARGV[4] .. '_order')
  if not order or tonumber(order) <= tonumber(ARGV[5]) then
    redis.call('HSET', state, ARGV[4], ARGV[2], ARGV[4] .. '_order', ARGV[5])
  end
  redis.call('HSET', state, 'id', id)
  redis.call('EXPIRE', stream, ARGV[3])
  redis.call('EXPIRE', state, ARGV[3])
  redis.call('PUBLISH', ARGV[6], person)
end
return 1
