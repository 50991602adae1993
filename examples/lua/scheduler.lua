-- Coroutines that wait for objects of net. While all of them wait, the thread sleeps in one poll.

local scheduler = {}

-- Each waiting coroutine, with the object that it waits for, what for ("r" or "w"), and until when (ms, or nil).
local waiting = {}

local function resume(thread, ...)
  local ok, object, kind, until_ms = coroutine.resume(thread, ...)
  if not ok then error(debug.traceback(thread, object), 0) end
  if coroutine.status(thread) == "dead" then return end
  waiting[#waiting + 1] = { thread = thread, object = object, kind = kind, until_ms = until_ms }
end

-- Starts a coroutine; it runs until it waits for the first time.
function scheduler.spawn(f, ...)
  resume(coroutine.create(f), ...)
end

-- Within a coroutine: waits until the object is ready; returns false if that took longer than timeout ms.
-- kind: "r", something to read or to accept, a status that changed; "w", room to write.
function scheduler.wait(object, timeout, kind)
  return coroutine.yield(object, kind or "r", timeout and net.now() + timeout)
end

-- Runs until every coroutine has ended.
function scheduler.run()
  while #waiting > 0 do
    local entries, soonest = {}, nil
    for i, each in ipairs(waiting) do
      entries[i] = { each.object, each.kind }
      if each.until_ms and (not soonest or each.until_ms < soonest) then soonest = each.until_ms end
    end
    local ready = {}
    for _, place in ipairs(net.poll(entries, soonest and math.max(0, soonest - net.now()) or -1)) do ready[place] = true end
    local before, now = waiting, net.now()
    waiting = {}
    for i, each in ipairs(before) do
      if ready[i] then resume(each.thread, true)
      elseif each.until_ms and each.until_ms <= now then resume(each.thread, false)
      else waiting[#waiting + 1] = each end
    end
  end
end

return scheduler
