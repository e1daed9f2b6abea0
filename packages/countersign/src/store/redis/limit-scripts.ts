import { createHash } from "node:crypto";

/** A script, and the name under which the server keeps it. */
export interface RedisScript {
  readonly lua: string;
  readonly sha1: string;
}

function script(lua: string): RedisScript {
  return Object.freeze({ lua, sha1: createHash("sha1").update(lua).digest("hex") });
}

/** The clock that all nodes share; ARGV[1] is another one, for tests. */
const clock = `
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end`;

/** Keys outlive what they count by this, so that a clock that is set back finds them. Milliseconds. */
const keepMs = 60_000;

/**
 * \`CallWindow\` (limits/call-window.ts) for several limits at once: all are counted or none. KEYS: one for each limit. ARGV: the
 * clock, then for each limit its kind, limit, calls, and the window and grain of a rate or the beginning and end of a quota's
 * period. Answers {1}, or {0, which, milliseconds to wait}, or {-1, now} where a period is not the current one.
 */
export const takeScript = script(`${clock}
local windows, longest, full = {}, 0, 0
for i, key in ipairs(KEYS) do
  local at = (i - 1) * 5 + 2
  local rate = ARGV[at] == 'rate'
  local limit, calls = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local a, b = tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4])
  if not rate and (now < a or now >= b) then return {-1, now} end
  local raw = redis.call('GET', key)
  local slots, used = {}, 0
  for _, slot in ipairs(raw and cjson.decode(raw) or {}) do
    local counts
    if rate then counts = math.abs(now - slot[2]) < a else counts = slot[1] >= a and slot[1] <= b end
    if counts then
      slots[#slots + 1] = slot
      used = used + slot[3]
    end
  end
  local over, wait = used + math.max(calls, 1) - limit, 0
  for _, slot in ipairs(slots) do
    if over <= 0 then break end
    over = over - slot[3]
    if rate then wait = slot[2] + a - now else wait = b - now end
  end
  wait = math.max(math.ceil(wait), 0)
  if wait > longest then longest, full = wait, i end
  windows[i] = { slots = slots, rate = rate, limit = limit, calls = calls, a = a, b = b }
end
if full > 0 then return {0, full, longest} end
for i, key in ipairs(KEYS) do
  local w = windows[i]
  local slots, last = w.slots, w.slots[#w.slots]
  if w.calls > 0 then
    if last and (not w.rate or now <= last[2] or (w.b > 0 and now - last[1] < w.b)) then
      if w.rate and now > last[2] then last[2] = now end
      last[3] = last[3] + w.calls
    else
      local begun = w.rate and now or w.a
      last = {begun, begun, w.calls}
      slots[#slots + 1] = last
    end
    local ends = w.rate and last[2] + w.a or w.b
    redis.call('SET', key, cjson.encode(slots), 'PX', math.ceil(ends - now) + ${keepMs})
  end
end
return {1}`);

/** Takes back what was counted last. ARGV: calls, for each key. */
export const takeBackScript = script(`
for i, key in ipairs(KEYS) do
  local raw = redis.call('GET', key)
  local slots = raw and cjson.decode(raw) or {}
  local last = slots[#slots]
  if last then
    last[3] = last[3] - tonumber(ARGV[i])
    if last[3] <= 0 then slots[#slots] = nil end
    if #slots == 0 then redis.call('DEL', key)
    else redis.call('SET', key, cjson.encode(slots), 'KEEPTTL') end
  end
end
return 1`);

/** Answers the clock, and what is kept under each key. */
export const readScript = script(`${clock}
local answer = {now}
for i, key in ipairs(KEYS) do answer[i + 1] = redis.call('GET', key) end
return answer`);
