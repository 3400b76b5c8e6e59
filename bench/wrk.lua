-- Load for wrk: a fresh lead with every request, every status counted, every request answered at the end.
--
-- wrk -t 1 -c CONNECTIONS -d LONG [-H HEADER] -s bench/wrk.lua URL -- TAG SECONDS CONNECTIONS STATUS HOST
--
-- STATUS is that of the answers that are wanted. HOST ends every address of mail.
--
-- After SECONDS each connection sends nothing more (an empty request parks it) and its last answer is awaited. When
-- all are parked, "drained" is written on stderr, and bench/tools.py ends wrk with SIGINT. So sent = answered, and
-- answers and rows can be compared to the last one. The figures follow on stderr as one line of JSON.

local ffi = require("ffi")
ffi.cdef [[
typedef struct { long seconds; long nanoseconds; } bench_time;
int clock_gettime(int clock, bench_time *time);
]]
local clock = ffi.new("bench_time")
local function now()
  ffi.C.clock_gettime(1, clock) -- CLOCK_MONOTONIC
  return tonumber(clock.seconds) + tonumber(clock.nanoseconds) * 1e-9
end

local format = string.format
local the_thread, template, deadline, seconds, connections, stored
-- Globals, because done() runs in a Lua state of its own and fetches them from the thread's.
sent, parked, in_time, created, refused = 0, 0, 0, 0, 0
-- wrk asks once for a request that it only parses and never sends.
local parsed_by_wrk = false

function setup(thread)
  the_thread = thread
end

function init(args)
  local tag, host = args[1], args[5]
  seconds, connections, stored = tonumber(args[2]), tonumber(args[3]), tonumber(args[4])
  -- Every number has eight digits, so that the length is known.
  local body = '{"name":"Ada ' .. tag .. ' %08d","phone":"+1 (415) 555-2671","email":"ada.' .. tag
    .. '.%08d' .. host .. '","message":"Please call me about the offer on your page, lead ' .. tag
    .. ' %08d. Mornings are best.","lead_type_name":"Sales"}'
  local head = format("POST %s HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n", wrk.path,
    #format(body, 0, 0, 0))
  for name, value in pairs(wrk.headers) do head = head .. name .. ": " .. value .. "\r\n" end
  template = head .. "\r\n" .. body
end

function request()
  if not parsed_by_wrk then
    parsed_by_wrk = true
    return format(template, 0, 0, 0)
  end
  local moment = now()
  if not deadline then deadline = moment + seconds end
  if moment >= deadline then
    parked = parked + 1
    if parked == connections then io.stderr:write("drained\n") end
    return ""
  end
  sent = sent + 1
  return format(template, sent, sent, sent)
end

function response(status)
  if status == stored then
    created = created + 1
    if now() < deadline then in_time = in_time + 1 end
  else
    refused = refused + 1
  end
end

function done(summary, latency)
  local errors = summary.errors
  local figures = {
    sent = the_thread:get("sent"), in_time = the_thread:get("in_time"), created = the_thread:get("created"),
    refused = the_thread:get("refused"),
    broken = errors.connect + errors.read + errors.write,
    p50_us = latency:percentile(50), p99_us = latency:percentile(99),
  }
  local parts = {}
  for name, value in pairs(figures) do table.insert(parts, format('"%s":%d', name, value)) end
  io.stderr:write("{" .. table.concat(parts, ",") .. "}\n")
end
