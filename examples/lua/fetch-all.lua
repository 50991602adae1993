-- Fetches several paths of one server at a time: host, port, then the paths.

local scheduler = require("scheduler")
local http = require("http")

local host, port, paths = ..., select(2, ...), { select(3, ...) }
for _, path in ipairs(paths) do
  scheduler.spawn(function()
    local status, body = http.get(host, port, path, 5000)
    print(path, status, status and #body or body)
  end)
end
scheduler.run()
