-- Functions for Python to call: they run a script, or a function of a library, and say how that ended.

local _, parts = ...
local handler, rewatch = parts.errors.handler, parts.watch.rewatch
local encode, scalar = parts.encoder.encode, parts.encoder.scalar
local use_protocols, script_uses_resp3 = parts.encoder.use_protocols, parts.encoder.script_uses_resp3
local script_globals = parts.environment.script_globals
local concat, type, unpack = table.concat, type, unpack
local real_xpcall, real_rawget, real_loadstring = xpcall, rawget, loadstring
local real_setmetatable, real_getmetatable = setmetatable, getmetatable

-- Whether this is an array (perhaps with tables in it) of so few elements that Python writes it faster than ``encode``.
local ELEMENTS_MAX = 2000
local function is_short_array(t)
  local size = #t
  if size == 0 or size > ELEMENTS_MAX or script_uses_resp3() or type(t[1]) == 'table' or real_getmetatable(t) ~= nil then
    return false
  end
  return t.err == nil and t.ok == nil and t.double == nil and t.map == nil and t.set == nil and t.big_number == nil
    and t.verbatim_string == nil
end

local given -- the array that Python was given last

-- How a run ended, with as few values as will do: an error's text, source, line and whether it is counted; false and the
-- elements of an array; an encoded reply and whether its error is counted; a string or number for itself, true for the
-- status OK, nil for null.
local function outcome_of(ok, value)
  rewatch()
  if not ok then
    return value.err, value.source or true, value.line or true, value.ignore_error_stats_update and true or false
  end
  local kind = type(value)
  if kind == 'string' or kind == 'number' then return value end
  if kind == 'table' then
    if real_rawget(value, 'ok') == 'OK' and real_rawget(value, 'err') == nil then return true end
    if is_short_array(value) then
      given = value
      return false, unpack(value, 1, #value)
    end
    local counted = real_rawget(value, 'ignore_error_stats_update') and real_rawget(value, 'err')
    return encode(value), counted and true or false
  end
  if kind ~= 'boolean' then return nil end
  if script_uses_resp3() then return scalar(value, kind), false end
  return value and 1 or nil
end

-- How to get from words to KEYS and ARGV, by the number of keys, or AS_TABLES if they come as such.
local AS_TABLES, TO_RESP3 = 128, 256 -- see machine.py
local split = real_setmetatable({[AS_TABLES] = function(keys, argv) return keys, argv end}, {__index = function(t, count)
  local names = {}
  for i = 1, count do names[i] = 'k' .. i end
  local words = concat(names, ', ')
  local text = 'return function(' .. words .. (count > 0 and ', ' or '') .. '...) return {' .. words .. '}, {...} end'
  t[count] = real_loadstring(text, '=server')()
  return t[count]
end})

-- Sets the protocols; the rest of ``shape``, which is an index of ``split``.
local function begun(shape)
  local to_resp3 = shape >= TO_RESP3
  use_protocols(to_resp3, false)
  return to_resp3 and shape - TO_RESP3 or shape
end

-- Functions for Python to call: with a number that says how many keys there are and the like, keys and arguments.
local function runner_of_script(chunk)
  return function(shape, ...)
    shape = begun(shape)
    script_globals.KEYS, script_globals.ARGV = split[shape](...)
    return outcome_of(real_xpcall(chunk, handler))
  end
end

local function runner_of_function(f)
  local keys, argv
  local function call() return f(keys, argv) end
  return function(shape, ...)
    shape = begun(shape)
    keys, argv = split[shape](...)
    return outcome_of(real_xpcall(call, handler))
  end
end

local function encode_given() return encode(given) end

return {of_script = runner_of_script, of_function = runner_of_function, encode_given = encode_given}
