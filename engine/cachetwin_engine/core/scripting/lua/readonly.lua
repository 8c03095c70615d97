-- Tables that scripts may read and not change: empty proxies in front of the real tables.

local real_error, real_setmetatable, real_next = error, setmetatable, next
local READONLY = 'Attempt to modify a readonly table'

-- The table behind each proxy: the built-ins that would see the proxy as empty look here first.
local real = real_setmetatable({}, {__mode = 'k'})

local function refuse_change() real_error(READONLY, 2) end

local function protect(t)
  local proxy = real_setmetatable({}, {__index = t, __newindex = refuse_change})
  real[proxy] = t
  return proxy
end

local function copied(t)
  local out = {}
  for k, v in real_next, t do out[k] = v end
  return out
end

return {READONLY = READONLY, real = real, refuse_change = refuse_change, protect = protect, copied = copied}
