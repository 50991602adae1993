-- Fetches pages over HTTP, then speaks to an echo server, with LuaSocket:
--
--   node lua.cjs fetch.lua <host and port of an echo server> <URL>...

local socket = require "socket"
local http = require "socket.http"

http.TIMEOUT = 10

for i = 2, #arg do
  local body, status = http.request(arg[i])
  print(arg[i], status, body and #body)
end

local host, port = arg[1]:match("^(.*):(%d+)$")
local client = socket.tcp()
client:settimeout(10)
local connected, message = client:connect(host, port)
if not connected then
  print(arg[1], message)
  os.exit(1)
end
assert(client:send("hello\n"))
print(arg[1], (client:receive("*l")))
client:shutdown("send")
local line, reason = client:receive("*l")
print(arg[1], line, reason)
client:close()
