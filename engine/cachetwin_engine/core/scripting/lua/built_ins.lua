-- The built-ins that scripts get in place of Lua's own: they know the proxies of tables, and refuse what could harm.

local host, parts = ...
local real, READONLY = parts.readonly.real, parts.readonly.READONLY
local protect, copied = parts.readonly.protect, parts.readonly.copied
local plain_error, lua_error, null = parts.errors.plain_error, parts.errors.lua_error, parts.cjson.null
local as_function = python.as_function -- what comes of it is a C function to Lua
local type, tonumber, unpack, floor = type, tonumber, unpack, math.floor
local real_pcall, real_xpcall, real_error, real_next, real_select = pcall, xpcall, error, next, select
local real_rawget, real_rawset, real_setmetatable, real_getmetatable = rawget, rawset, setmetatable, getmetatable

local safe_math = copied(math)
safe_math.random, safe_math.randomseed = as_function(host.random), as_function(host.randomseed)

local safe_table = copied(table)
function safe_table.insert(t, ...)
  if real[t] then real_error(READONLY, 0) end
  return table.insert(t, ...)
end

local string_table = string
local string_view = protect(string_table)
local string_meta = protect({__index = string_view})

local shown_metatable = real_setmetatable({}, {__mode = 'k'})

-- Which results ``unpack`` gives: as a C ``int``, whatever number was given.
local function int(v, at)
  local number = tonumber(v)
  if number == nil then
    real_error("bad argument #" .. at .. " to 'unpack' (number expected, got " .. type(v) .. ')', 3)
  end
  if number ~= number or number >= 9223372036854775808 or number < -9223372036854775808 then return 0 end
  number = number < 0 and -floor(-number) or floor(number)
  return (number + 2147483648) % 4294967296 - 2147483648
end

-- The built-in counts its results in an int that may overflow, and then writes beyond its stack. So they are counted
-- here: with the arguments they must fit into what one call may use of the stack.
local UNPACKED_MAX = 8000
local function safe_unpack(...)
  local t, first, last = ...
  local n = real_select('#', ...)
  if type(t) ~= 'table' then
    local got = n == 0 and 'no value' or type(t)
    real_error("bad argument #1 to 'unpack' (table expected, got " .. got .. ')', 2)
  end
  t = real[t] or t
  local from = first == nil and 1 or int(first, 2)
  local to = last == nil and #t or int(last, 3)
  if from > to then return end
  if to - from + 1 + n > UNPACKED_MAX then real_error('too many results to unpack', 2) end
  if n == 1 then return unpack(t) end
  if n == 2 then return unpack(t, from) end
  return unpack(t, from, to)
end

local function wants_table(v, name)
  real_error("bad argument #1 to '" .. name .. "' (table expected, got " .. type(v) .. ')', 3)
end

local function protected(ok, err, ...)
  if not ok then return ok, plain_error(err) end
  return ok, err, ...
end

local base = {
  _VERSION = _VERSION, assert = assert, collectgarbage = collectgarbage, error = error, gcinfo = gcinfo, ipairs = ipairs,
  rawequal = rawequal, select = select, tonumber = tonumber, tostring = tostring, type = type, unpack = safe_unpack,
  xpcall = function(f, on_error)
    return real_xpcall(f, function(err) return on_error(lua_error(err)) end)
  end,
  next = function(t, k) return real_next(real[t] or t, k) end,
  pairs = function(t)
    if type(t) ~= 'table' then real_error("bad argument #1 to 'pairs' (table expected, got " .. type(t) .. ')', 0) end
    return real_next, real[t] or t, nil
  end,
  rawget = function(t, k)
    if type(t) ~= 'table' then wants_table(t, 'rawget') end
    return real_rawget(real[t] or t, k)
  end,
  rawset = function(t, k, v)
    if type(t) ~= 'table' then wants_table(t, 'rawset') end
    if real[t] then real_error(READONLY, 0) end
    return real_rawset(t, k, v)
  end,
  setmetatable = function(t, mt)
    if type(t) ~= 'table' then wants_table(t, 'setmetatable') end
    if real[t] then real_error(READONLY, 0) end
    return real_setmetatable(t, mt)
  end,
  getmetatable = function(t)
    if type(t) == 'string' then return string_meta end
    if t == null then return nil end
    if real[t] then return shown_metatable[t] end
    return real_getmetatable(t)
  end,
  pcall = function(...) return protected(real_pcall(...)) end,
}

real_getmetatable('').__index = string_view

return {
  base = base, math = safe_math, table = safe_table, string = string_view, shown_metatable = shown_metatable,
}
