-- A small HTTP client for coroutines of the scheduler: a response of HTTP/1.0 ends with its connection.

local scheduler = require("scheduler")
local http = {}

local function write_all(tcp, bytes, timeout)
  while #bytes > 0 do
    local count, errmsg = tcp:write(bytes) -- takes at most what the ring has room for
    if not count then return nil, errmsg end
    bytes = bytes:sub(count + 1)
    if #bytes > 0 and not scheduler.wait(tcp, timeout, "w") then return nil, "timeout" end
  end
  return true
end

local function read_all(tcp, timeout)
  local pieces = {}
  while true do
    local bytes, errmsg = tcp:read(65536)
    if not bytes then -- nil ends the loop, not errmsg: at the end of the stream there is none
      if errmsg then return nil, errmsg end
      return table.concat(pieces)
    end
    if #bytes > 0 then pieces[#pieces + 1] = bytes
    elseif not scheduler.wait(tcp, timeout) then return nil, "timeout" end
  end
end

-- Returns the status, the body and a table of headers, or nil and why it failed. timeout: ms for each wait.
function http.request(method, host, port, path, body, timeout)
  local address, errmsg = net.resolve_address(host)
  if not address then return nil, errmsg end
  local tcp
  tcp, errmsg = net.open_tcp(address, port, nil)
  if not tcp then return nil, errmsg end
  body = body or ""
  local head = ("%s %s HTTP/1.0\r\nHost: %s:%d\r\nContent-Length: %d\r\n\r\n"):format(method, path, host, port, #body)
  local ok, response
  ok, errmsg = write_all(tcp, head .. body, timeout)
  if ok then response, errmsg = read_all(tcp, timeout) end
  tcp:close()
  if not response then return nil, errmsg end
  local status, lines, rest = response:match("^HTTP/1%.%d (%d+)[^\r\n]*\r\n(.-)\r\n\r\n(.*)$")
  if not status then return nil, "no HTTP response" end
  local headers = {}
  for name, value in lines:gmatch("([^:\r\n]+):[ \t]*([^\r\n]*)") do headers[name:lower()] = value end
  return tonumber(status), rest, headers
end

function http.get(host, port, path, timeout)
  return http.request("GET", host, port, path, nil, timeout)
end

return http
