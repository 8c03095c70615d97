"""The part of the scripting engine that is Lua itself: sandbox, ``redis`` API, replies to and from Lua values.

Runs once in a fresh Lua 5.1. Only strings and numbers cross to Python, through the functions of ``host``. Tables that a
script may read but not change are empty proxies before the real ones; the few built-ins that would see through that know
the proxies. What an error says, and to which line it is attributed, follows Valkey (script_lua.c).

Long because it is one Lua chunk: its parts share locals, which a script could not reach if they were globals.
"""

from typing import Final

PRELUDE: Final = rb"""
local host = ...
local byte, sub, find, fmt, concat = string.byte, string.sub, string.find, string.format, table.concat
local match, gsub = string.match, string.gsub -- as methods of a string they would be looked up for long
local dump = string.dump
local floor, huge = math.floor, math.huge
local real_pcall, real_error, real_next, real_getinfo = pcall, error, next, debug.getinfo
local real_loadstring, real_setmetatable, real_getmetatable = loadstring, setmetatable, getmetatable
local real_xpcall, real_rawget, real_rawset, real_select = xpcall, rawget, rawset, select
local type, tostring, tonumber, unpack, setfenv, newproxy = type, tostring, tonumber, unpack, setfenv, newproxy
local as_function = python.as_function -- what comes of it is a C function to Lua
local is_server = host.name == 'server'
local call_name = is_server and 'call' or 'redis lib call'
local READONLY = 'Attempt to modify a readonly table'

-- Readonly tables ------------------------------------------------------------------------------------------------------

local real = real_setmetatable({}, {__mode = 'k'})

local function refuse_change() real_error(READONLY, 2) end

local function protect(t)
  local proxy = real_setmetatable({}, {__index = t, __newindex = refuse_change})
  real[proxy] = t
  return proxy
end

-- Errors ---------------------------------------------------------------------------------------------------------------

local function fail(text) real_error({err = text}, 0) end

-- What Python raised is an object of its own; here it becomes what the same error would be in the original.
local function lua_error(err)
  if type(err) ~= 'userdata' then return err end
  local text, plain = host.describe(err)
  if plain then return text end
  return {err = text}
end

local function plain_error(err)
  err = lua_error(err)
  local text = type(err) == 'table' and real_rawget(err, 'err')
  return type(text) == 'string' and text or err
end

local function place(info)
  if not info or info.currentline <= 0 then return '' end
  return info.short_src .. ':' .. info.currentline .. ': '
end

-- Before an error of a function of Python: the place that called it, nothing if that is no Lua code.
local function where() return place(real_getinfo(3, 'Sl')) end

local function handler(err)
  local level = 2
  local info = real_getinfo(level, 'Sl')
  while info and (info.what == 'C' or info.what == 'tail' or info.source == '=server') do
    level = level + 1
    info = real_getinfo(level, 'Sl')
  end
  err = lua_error(err)
  if type(err) ~= 'table' then
    err = {err = 'ERR ' .. tostring(err)}
  elseif real[err] or type(real_rawget(err, 'err')) ~= 'string' then
    err = {err = 'ERR unknown error'}
  end
  if info then
    err.source = info.source
    err.line = info.currentline
  end
  return err
end

-- Replies --------------------------------------------------------------------------------------------------------------

-- A reply comes from Python as a row of plain values, see values.py: ``true`` and a number announce what is more.
local build

local function build_many(row, i, n)
  local out = {}
  for place = 1, n do
    local v = row[i]
    if v == true then v, i = build(row, i) else i = i + 1 end
    out[place] = v
  end
  return out, i
end

function build(row, i)
  local v = row[i]
  if v ~= true then return v, i + 1 end
  local kind, what = row[i + 1], row[i + 2]
  if kind >= 0 then return build_many(row, i + 2, kind) end
  if kind == -1 then return {ok = what}, i + 3 end
  if kind == -2 then return {err = what, ignore_error_stats_update = true}, i + 3 end
  if kind == -3 then
    local map, key, value = {}, nil, nil
    i = i + 3
    for _ = 1, what do
      key, i = build(row, i)
      value, i = build(row, i)
      map[key] = value
    end
    return {map = map}, i
  end
  if kind == -4 then
    local set, member = {}, nil
    i = i + 3
    for _ = 1, what do
      member, i = build(row, i)
      set[member] = true
    end
    return {set = set}, i
  end
  if kind == -5 then return {double = what}, i + 3 end
  if kind == -6 then return true, i + 2 end
  if kind == -7 then return {big_number = what}, i + 3 end
  return {verbatim_string = {format = what, string = row[i + 3]}}, i + 4
end

local VALUES_MAX = 4000 -- at once, see lua.py

local function row_of(size)
  local row = {host.values()}
  for given = VALUES_MAX, size - 1, VALUES_MAX do
    local more = {host.values()}
    for i = 1, VALUES_MAX do row[given + i] = more[i] end
  end
  return row
end

local function line_of(text) return (gsub(text, '[\r\n]', ' ')) end

-- Numbers become text slowly: short lines are kept.
local SHORT = 1024

local function lines_of(before)
  return real_setmetatable({}, {__index = function(t, n)
    local line = before .. fmt('%d', n) .. '\r\n' -- minus zero must not become the line of zero
    if n < SHORT then t[n] = line end
    return line
  end})
end

local bulk_heads, array_heads, small_integers = lines_of('$'), lines_of('*'), lines_of(':')

local function bulk(text) return bulk_heads[#text] .. text .. '\r\n' end

local function integer(v)
  if v >= 0 and v < SHORT and v == floor(v) then return small_integers[v] end
  if v ~= v or v >= 9223372036854775808 or v <= -9223372036854775808 then return ':-9223372036854775808\r\n' end
  return fmt(':%d\r\n', v)
end

-- How deep a reply may be nested: there the stack of the original ends.
local DEPTH_MAX = 7995

-- The protocols of the client and of the script whose reply is written.
local client3, script3 = false, false
local append

local function scalar(v, kind)
  if kind == 'string' then return bulk(v) end
  if kind == 'number' then return integer(v) end
  if kind == 'boolean' then
    if script3 and client3 then return v and '#t\r\n' or '#f\r\n' end
    if v then return ':1\r\n' end
    if script3 then return ':0\r\n' end
  end
  return client3 and '_\r\n' or '$-1\r\n'
end

local function append_map(map, out, n, depth)
  local head, count = n, 0
  for k, v in real_next, map do
    n = append(v, out, append(k, out, n + 1, depth) + 1, depth)
    count = count + 1
  end
  out[head] = client3 and '%' .. count .. '\r\n' or '*' .. count * 2 .. '\r\n'
  return n
end

local function append_set(set, out, n, depth)
  local head, count = n, 0
  for k in real_next, set do
    n = append(k, out, n + 1, depth)
    count = count + 1
  end
  out[head] = (client3 and '~' or '*') .. count .. '\r\n'
  return n
end

-- A table that stands for something else than an array: the place of its last part, or nil.
local function append_named(t, out, n, depth)
  local v = t.err
  if type(v) == 'string' then
    out[n] = '-' .. line_of((gsub(v, '[\r\n]+$', ''))) .. '\r\n'
    return n
  end
  v = t.ok
  if type(v) == 'string' then
    out[n] = '+' .. line_of(v) .. '\r\n'
    return n
  end
  v = t.double
  if type(v) == 'number' then
    local text = host.shortest(v)
    out[n] = client3 and ',' .. text .. '\r\n' or bulk(text)
    return n
  end
  v = t.map
  if type(v) == 'table' then return append_map(v, out, n, depth + 1) end
  v = t.set
  if type(v) == 'table' then return append_set(v, out, n, depth + 1) end
  v = t.big_number
  if type(v) == 'string' then
    v = line_of(v)
    out[n] = client3 and '(' .. v .. '\r\n' or bulk(v)
    return n
  end
  v = t.verbatim_string
  if type(v) ~= 'table' then return nil end
  local format, text = real_rawget(v, 'format'), real_rawget(v, 'string')
  if type(format) ~= 'string' or type(text) ~= 'string' then return nil end
  out[n] = client3 and '=' .. #text + 4 .. '\r\n' .. sub(format .. '   ', 1, 3) .. ':' .. text .. '\r\n' or bulk(text)
  return n
end

local function copied(t)
  local out = {}
  for k, v in real_next, t do out[k] = v end
  return out
end

-- Writes ``v`` into ``out`` from place ``n`` on; the last place used. Tables are read raw: metamethods might never end.
function append(v, out, n, depth)
  local kind = type(v)
  if kind ~= 'table' then
    out[n] = scalar(v, kind)
    return n
  end
  if depth >= DEPTH_MAX then
    out[n] = '-ERR reached lua stack limit\r\n'
    return n
  end
  v = real[v] or v
  if real_getmetatable(v) ~= nil then v = copied(v) end
  if v.err ~= nil or v.ok ~= nil or v.double ~= nil or v.map ~= nil or v.set ~= nil or v.big_number ~= nil
    or v.verbatim_string ~= nil then
    local last = append_named(v, out, n, depth)
    if last then return last end
  end
  local head, count, item = n, 0, v[1]
  while item ~= nil do
    if type(item) == 'string' then
      out[n + 1] = bulk_heads[#item]
      out[n + 2] = item
      out[n + 3] = '\r\n'
      n = n + 3
    else
      n = append(item, out, n + 1, depth + 1)
    end
    count = count + 1
    item = v[count + 1]
  end
  out[head] = array_heads[count]
  return n
end

local function encode(v)
  local out = {}
  return concat(out, '', 1, append(v, out, 1, 0))
end

-- redis.* --------------------------------------------------------------------------------------------------------------

local function words_of(n, ...)
  if n == 0 then fail('ERR Please specify at least one argument for this ' .. call_name) end
  local args = {...}
  for i = 1, n do
    local v = args[i]
    local t = type(v)
    if t == 'number' then
      args[i] = v == floor(v) and v < 9e18 and v > -9e18 and fmt('%d', v) or host.shortest(v)
    elseif t ~= 'string' then
      fail('ERR ' .. (is_server and 'Command' or 'Lua redis lib command') .. ' arguments must be strings or integers')
    end
  end
  return args
end

-- Functions that scripts get: where one fails is the place that called it, as with the original's, which are C.
local function checked(ok, ...)
  if ok then return ... end
  real_error(lua_error((...)), 3)
end

local function exported(f)
  return function(...) return checked(real_pcall(f, ...)) end
end

local function exported_all(t)
  for k, v in real_next, t do
    if type(v) == 'function' then t[k] = exported(v) end
  end
  return t
end

local api = {}

local function one_string(...)
  if real_select('#', ...) ~= 1 or type((...)) ~= 'string' then return nil end
  return (...)
end

function api.error_reply(...)
  local text = one_string(...)
  if not text then return {err = 'ERR wrong number or type of arguments'} end
  if sub(text, 1, 1) == '-' then text = sub(text, 2) end
  text = line_of(gsub(text, '[\r\n]+$', ''))
  if not find(text, ' ', 1, true) then text = 'ERR ' .. text end
  return {err = text}
end

function api.status_reply(...)
  local text = one_string(...)
  if not text then return {err = 'ERR wrong number or type of arguments'} end
  return {ok = text}
end

function api.sha1hex(...)
  if real_select('#', ...) ~= 1 then fail('ERR wrong number of arguments') end
  return host.sha1hex(tostring((...)))
end

function api.log(...)
  local n = real_select('#', ...)
  if n < 2 then fail('ERR ' .. host.name .. '.log() requires two arguments or more.') end
  local level = (...)
  if type(level) ~= 'number' then fail('ERR First argument must be a number (log level).') end
  if level < 0 or level > 3 then fail('ERR Invalid ' .. (is_server and 'log' or 'debug') .. ' level.') end
  local words = {}
  for i = 2, n do
    local word = real_select(i, ...)
    if type(word) == 'string' or type(word) == 'number' then words[#words + 1] = tostring(word) end
  end
  host.log(level, concat(words, ' '))
end

function api.setresp(...)
  if real_select('#', ...) ~= 1 then fail('ERR ' .. host.name .. '.setresp() requires one argument.') end
  local version = tonumber((...))
  if version ~= 2 and version ~= 3 then fail('ERR RESP version must be 2 or 3.') end
  host.setresp(version)
  script3 = version == 3
end

function api.set_repl(...)
  if real_select('#', ...) ~= 1 then
    fail('ERR ' .. host.name .. '.set_repl() requires ' .. (is_server and 'one argument.' or 'two arguments.'))
  end
  local flags = tonumber((...)) or 0
  if flags < 0 or flags > 3 then
    fail('ERR Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.')
  end
  host.set_repl(flags)
end

function api.replicate_commands() return true end
function api.breakpoint() return false end
function api.debug() end

function api.acl_check_cmd(...)
  local n = real_select('#', ...)
  local answer = host.acl_check(unpack(words_of(n, ...), 1, n))
  if answer == nil then fail('ERR Invalid command passed to ' .. host.name .. '.acl_check_cmd()') end
  return answer
end

exported_all(api)

-- What a command answered, when that is more than one value.
local function result_of(what, kind, raises)
  if kind == 1 then return {ok = what} end
  if kind == 4 then return row_of(what) end
  if kind == 5 then return (build(row_of(what), 1)) end
  local err = {err = what, ignore_error_stats_update = kind == 2 or nil}
  if raises then real_error(err, 0) end
  return err
end

-- lupa hands words over in a time that grows with the square of their number.
local WORDS_MAX = 24
local call_now, gather, call_gathered = host.call, host.gather, host.call_gathered

local function call_with(n, ...)
  if n <= WORDS_MAX then return call_now(...) end
  local words = {...}
  for i = 1, n, WORDS_MAX do gather(unpack(words, i, i + WORDS_MAX <= n and i + WORDS_MAX - 1 or n)) end
  return call_gathered()
end

-- The rows of the command table that scripts have called, numbered by Python, by their names as they were spelled.
local rows, row_count = {}, 0
local ROWS_MAX = 1024 -- spellings

local function row_of_command(name)
  if type(name) ~= 'string' or row_count >= ROWS_MAX then return nil end
  local row = host.row(name)
  if row then
    rows[name] = row
    row_count = row_count + 1
  end
  return row
end

local call_0, call_1, call_2, call_3 = host.call_0, host.call_1, host.call_2, host.call_3

local function commanding(raises)
  return function(...)
    local name, a, b, c = ...
    local n, row = real_select('#', ...), rows[name] or row_of_command(name)
    local value, kind
    if n > 4 or not row then value, kind = call_with(n, ...)
    elseif n == 2 then value, kind = call_1(row, a)
    elseif n == 3 then value, kind = call_2(row, a, b)
    elseif n == 4 then value, kind = call_3(row, a, b, c)
    else value, kind = call_0(row) end
    if kind then return result_of(value, kind, raises) end
    if value == true then return {ok = 'OK'} end
    return value
  end
end

api.call, api.pcall = commanding(true), commanding(false)
for k, v in real_next, host.constants do api[k] = v end

-- Libraries whose work is done in Python: (true, results...) or (false, what is wrong) -----------------------------------

local function unwrap(ok, ...)
  if not ok then real_error(..., 0) end
  return ...
end

local struct = {
  pack = function(...) return unwrap(host.struct_pack(...)) end,
  unpack = function(...) return unwrap(host.struct_unpack(...)) end,
  size = function(...) return unwrap(host.struct_size(...)) end,
}

local bit = {}
for _, name in ipairs({'tobit', 'bnot', 'band', 'bor', 'bxor', 'lshift',
   'rshift', 'arshift', 'rol', 'ror', 'bswap', 'tohex'}) do
  bit[name] = function(...)
    local n = real_select('#', ...)
    if n == 0 then real_error("bad argument #1 to '" .. name .. "' (number expected, got no value)", 0) end
    local args = {...}
    for i = 1, n do
      local number = tonumber(args[i])
      if not number then
        real_error("bad argument #" .. i .. " to '" .. name .. "' (number expected, got " .. type(args[i]) .. ')', 0)
      end
      args[i] = number
    end
    return host.bit(name, unpack(args, 1, n))
  end
end

-- cjson ----------------------------------------------------------------------------------------------------------------

local null = newproxy(true)
real_getmetatable(null).__tostring = function() return 'userdata: (nil)' end
local JSON_DEPTH_MAX = 1000
local escapes = {['"'] = '\\"', ['\\'] = '\\\\', ['/'] = '\\/', ['\b'] = '\\b', ['\f'] = '\\f', ['\n'] = '\\n',
  ['\r'] = '\\r', ['\t'] = '\\t', ['\127'] = '\\u007f'}
for i = 0, 31 do
  local c = string.char(i)
  escapes[c] = escapes[c] or fmt('\\u%04x', i)
end

local function json_string(s)
  if find(s, '[%c"\\/\127]') then s = gsub(s, '[%c"\\/\127]', escapes) end
  return '"' .. s .. '"'
end

local function new_cjson()
  local settings = {precision = 14, sparse_convert = false, sparse_ratio = 2, sparse_safe = 10,
    encode_depth = JSON_DEPTH_MAX, decode_depth = JSON_DEPTH_MAX, encode_invalid = false, decode_invalid = true,
    keep_buffer = true}
  local json = {null = null, _NAME = 'cjson', _VERSION = '2.1.0'}
  local number_format = '%.14g'
  local whole_max = 99999999999999 -- of integers that this format writes with all their digits

  local function json_number(v)
    if v == floor(v) and v ~= 0 and v <= whole_max and v >= -whole_max then return (fmt('%d', v)) end
    if v ~= v or v == huge or v == -huge then
      if settings.encode_invalid == 'null' then return 'null' end
      if not settings.encode_invalid then real_error('Cannot serialise number: must not be NaN or Inf', 0) end
      return v ~= v and 'nan' or v > 0 and 'inf' or '-inf'
    end
    return (fmt(number_format, v))
  end

  -- Length of an array, -1 for an object.
  local function array_size(t)
    local top, count = 0, 0
    for k in real_next, t do
      count = count + 1
      if k == count and top < count then
        top = k
      else
        if type(k) ~= 'number' or k < 1 or k ~= floor(k) then return -1 end
        if k > top then top = k end
      end
    end
    if settings.sparse_ratio > 0 and top > count * settings.sparse_ratio and top > settings.sparse_safe then
      if not settings.sparse_convert then real_error('Cannot serialise table: excessively sparse array', 0) end
      return -1
    end
    return top
  end

  -- Writes ``v`` into ``out`` behind place ``n``; the last place used.
  local function write(v, out, n, depth)
    local t = type(v)
    n = n + 1
    if t == 'string' then
      out[n] = json_string(v)
    elseif t == 'number' then
      out[n] = json_number(v)
    elseif t == 'boolean' then
      out[n] = v and 'true' or 'false'
    elseif v == nil or v == null then
      out[n] = 'null'
    elseif t ~= 'table' then
      real_error('Cannot serialise ' .. t .. ': type not supported', 0)
    else
      if depth >= settings.encode_depth then
        real_error('Cannot serialise, excessive nesting (' .. depth + 1 .. ')', 0)
      end
      v = real[v] or v
      local size = array_size(v)
      if size == 0 then
        out[n] = '{}'
        return n
      end
      local head = n
      if size > 0 then
        for i = 1, size do
          n = write(v[i], out, n, depth + 1) + 1
          out[n] = ','
        end
        out[head], out[n] = '[', ']'
        return n
      end
      for k, item in real_next, v do
        if type(k) == 'string' then out[n + 1] = json_string(k)
        elseif type(k) == 'number' then out[n + 1] = '"' .. json_number(k) .. '"'
        else real_error('Cannot serialise ' .. type(k) .. ': table key must be a number or string', 0) end
        out[n + 2] = ':'
        n = write(item, out, n + 2, depth + 1) + 1
        out[n] = ','
      end
      out[head], out[n] = '{', '}'
    end
    return n
  end

  function json.encode(...)
    if real_select('#', ...) ~= 1 then real_error("bad argument #1 to 'encode' (expected 1 argument)", 0) end
    local out = {}
    return concat(out, '', 1, write((...), out, 0, 0))
  end

  local function token_at(s, p)
    local c = sub(s, p, p)
    if c == '' then return 'T_END' end
    local names = {['{'] = 'T_OBJ_BEGIN', ['}'] = 'T_OBJ_END', ['['] = 'T_ARR_BEGIN', [']'] = 'T_ARR_END',
      [','] = 'T_COMMA', [':'] = 'T_COLON', ['"'] = 'T_STRING'}
    if names[c] then return names[c] end
    if find(s, '^-?%d', p) then return 'T_NUMBER' end
    if sub(s, p, p + 3) == 'true' or sub(s, p, p + 4) == 'false' then return 'T_BOOLEAN' end
    if sub(s, p, p + 3) == 'null' then return 'T_NULL' end
    return 'invalid token'
  end

  local function unexpected(wanted, s, p)
    local word = token_at(s, p)
    real_error('Expected ' .. wanted .. ' but found ' .. word .. ' at character ' .. p, 0)
  end

  local function utf8(code)
    if code < 128 then return string.char(code) end
    if code < 2048 then return string.char(192 + floor(code / 64), 128 + code % 64) end
    if code < 65536 then
      return string.char(224 + floor(code / 4096), 128 + floor(code / 64) % 64, 128 + code % 64)
    end
    return string.char(240 + floor(code / 262144), 128 + floor(code / 4096) % 64, 128 + floor(code / 64) % 64,
      128 + code % 64)
  end

  local plain = {b = '\b', f = '\f', n = '\n', r = '\r', t = '\t', ['"'] = '"', ['\\'] = '\\', ['/'] = '/'}

  -- A string in which not every character is simply itself.
  local function read_escaped(s, p)
    local start, parts = p, {}
    p = p + 1
    while true do
      local e = find(s, '["\\%c]', p)
      if not e then real_error('Expected value but found unexpected end of string at character ' .. #s + 1, 0) end
      parts[#parts + 1] = sub(s, p, e - 1)
      local c = sub(s, e, e)
      if c == '"' then return concat(parts), e + 1 end
      if c ~= '\\' then
        if c == '\127' then
          parts[#parts + 1] = c
          p = e + 1
        else
          real_error('Expected value but found invalid token at character ' .. start, 0)
        end
      else
        local kind = sub(s, e + 1, e + 1)
        if kind == 'u' then
          local code = tonumber(find(s, '^%x%x%x%x', e + 2) and sub(s, e + 2, e + 5) or 'x', 16)
          if not code then real_error('Expected value but found invalid unicode escape code at character ' .. e, 0) end
          p = e + 6
          if code >= 0xD800 and code < 0xDC00 then
            local low = tonumber(find(s, '^\\u%x%x%x%x', p) and sub(s, p + 2, p + 5) or 'x', 16)
            if not low or low < 0xDC00 or low > 0xDFFF then
              real_error('Expected value but found invalid unicode escape code at character ' .. e, 0)
            end
            code = 0x10000 + (code - 0xD800) * 1024 + (low - 0xDC00)
            p = p + 6
          end
          parts[#parts + 1] = utf8(code)
        elseif plain[kind] then
          parts[#parts + 1] = plain[kind]
          p = e + 2
        else
          real_error('Expected value but found invalid escape code at character ' .. e, 0)
        end
      end
    end
  end

  local function read_string(s, p)
    local text, after = match(s, '^"([^"\\%c]*)"()', p)
    if text then return text, after end
    return read_escaped(s, p)
  end

  local read

  -- The next character that is no blank, and its place.
  local function skip(s, p)
    local c = byte(s, p)
    if c == 32 or c == 10 or c == 13 or c == 9 then
      p = find(s, '[^ \t\r\n]', p) or #s + 1
      c = byte(s, p)
    end
    return c, p
  end

  local function nested(s, p, depth)
    if depth > settings.decode_depth then
      real_error('Found too many nested data structures (' .. depth .. ') at character ' .. p, 0)
    end
  end

  local function read_object(s, p, depth)
    nested(s, p, depth)
    local out, c, key, value = {}, nil, nil, nil
    c, p = skip(s, p + 1)
    if c == 125 then return out, p + 1 end
    while true do
      if c ~= 34 then unexpected('object key string', s, p) end
      key, p = read_string(s, p)
      c = byte(s, p)
      if c ~= 58 then
        c, p = skip(s, p)
        if c ~= 58 then unexpected('colon', s, p) end
      end
      c, p = skip(s, p + 1)
      value, p = read(s, p, depth, c)
      out[key] = value
      c = byte(s, p)
      if c ~= 44 then
        c, p = skip(s, p)
        if c == 125 then return out, p + 1 end
        if c ~= 44 then unexpected('comma or object end', s, p) end
      end
      c, p = skip(s, p + 1)
    end
  end

  local function read_array(s, p, depth)
    nested(s, p, depth)
    local out, n, c = {}, 0, nil
    c, p = skip(s, p + 1)
    if c == 93 then return out, p + 1 end
    while true do
      n = n + 1
      out[n], p = read(s, p, depth, c)
      c = byte(s, p)
      if c ~= 44 then
        c, p = skip(s, p)
        if c == 93 then return out, p + 1 end
        if c ~= 44 then unexpected('comma or array end', s, p) end
      end
      c, p = skip(s, p + 1)
    end
  end

  -- The value at ``p``, where the character ``c`` is, and the place behind it.
  function read(s, p, depth, c)
    if c == 34 then return read_string(s, p) end
    if c == 123 then return read_object(s, p, depth + 1) end
    if c == 91 then return read_array(s, p, depth + 1) end
    if c == 116 and sub(s, p, p + 3) == 'true' then return true, p + 4 end
    if c == 102 and sub(s, p, p + 4) == 'false' then return false, p + 5 end
    if c == 110 and sub(s, p, p + 3) == 'null' then return null, p + 4 end
    if c and c >= 48 and c <= 57 then -- one or two digits are the most frequent numbers
      local second, third = byte(s, p + 1, p + 2)
      if second == 44 or second == 93 or second == 125 then return c - 48, p + 1 end
      if (third == 44 or third == 93 or third == 125) and second >= 48 and second <= 57 then
        return (c - 48) * 10 + second - 48, p + 2
      end
    end
    local text, after = match(s, '^(-?%d+%.?%d*[eE]?[+-]?%d*)()', p)
    local number = text and tonumber(text)
    if number then return number, after end
    unexpected('value', s, p)
  end

  local function decode_all(s)
    local c, p = skip(s, 1)
    local value
    value, p = read(s, p, 0, c)
    c, p = skip(s, p)
    if p <= #s then unexpected('the end', s, p) end
    return value
  end

  function json.decode(...)
    local s = (...)
    if real_select('#', ...) ~= 1 then real_error("bad argument #1 to 'decode' (expected 1 argument)", 0) end
    if type(s) == 'number' then s = tostring(s) end
    if type(s) ~= 'string' then real_error("bad argument #1 to 'decode' (string expected, got " .. type(s) .. ')', 0) end
    return (decode_all(s))
  end

  local function setting(name, value) if value ~= nil then settings[name] = value end return settings[name] end

  function json.encode_number_precision(v)
    local precision = setting('precision', v)
    number_format = '%.' .. precision .. 'g'
    whole_max = type(precision) == 'number' and precision >= 14 and 99999999999999 or 0
    return precision
  end
  function json.encode_max_depth(v) return setting('encode_depth', v) end
  function json.decode_max_depth(v) return setting('decode_depth', v) end
  function json.encode_invalid_numbers(v) return setting('encode_invalid', v) end
  function json.decode_invalid_numbers(v) return setting('decode_invalid', v) end
  function json.encode_keep_buffer(v) return setting('keep_buffer', v) end
  function json.encode_sparse_array(convert, ratio, safe)
    setting('sparse_convert', convert)
    setting('sparse_ratio', ratio)
    setting('sparse_safe', safe)
    return settings.sparse_convert, settings.sparse_ratio, settings.sparse_safe
  end
  function json.new() return new_cjson() end
  return exported_all(json)
end

-- cmsgpack -------------------------------------------------------------------------------------------------------------

local char = string.char
local PACK_DEPTH_MAX = 16

local function big_endian(n, size)
  local out = {}
  for i = size, 1, -1 do
    out[i] = char(n % 256)
    n = floor(n / 256)
  end
  return concat(out)
end

local function pack_integer(v)
  if v >= 0 then
    if v <= 127 then return char(v) end
    if v <= 255 then return '\204' .. char(v) end
    if v <= 65535 then return '\205' .. big_endian(v, 2) end
    if v <= 4294967295 then return '\206' .. big_endian(v, 4) end
    return '\207' .. host.pack_int64(v)
  end
  if v >= -32 then return char(256 + v) end
  if v >= -128 then return '\208' .. char(256 + v) end
  if v >= -32768 then return '\209' .. big_endian(65536 + v, 2) end
  if v >= -2147483648 then return '\210' .. big_endian(4294967296 + v, 4) end
  return '\211' .. host.pack_int64(v)
end

local function pack_size(n, small, small_max, by8, by16, by32)
  if n <= small_max then return char(small + n) end
  if by8 and n <= 255 then return char(by8, n) end
  if n <= 65535 then return char(by16) .. big_endian(n, 2) end
  return char(by32) .. big_endian(n, 4)
end

local function pack_value(v, depth)
  local t = type(v)
  if t == 'string' then return pack_size(#v, 160, 31, 217, 218, 219) .. v end
  if t == 'number' then
    if v == floor(v) and v < 9223372036854775808 and v >= -9223372036854775808 then return pack_integer(v) end
    return host.pack_float(v)
  end
  if t == 'boolean' then return v and '\195' or '\194' end
  if t ~= 'table' or depth >= PACK_DEPTH_MAX then return '\192' end
  v = real[v] or v
  local count, top = 0, 0
  for k in real_next, v do
    count = count + 1
    if top and type(k) == 'number' and k > 0 and k == floor(k) then
      if k > top then top = k end
    else
      top = nil
    end
  end
  local parts = {}
  if top and top == count then
    parts[1] = pack_size(count, 144, 15, nil, 220, 221)
    for i = 1, count do parts[i + 1] = pack_value(v[i], depth + 1) end
  else
    parts[1] = pack_size(count, 128, 15, nil, 222, 223)
    for k, item in real_next, v do
      parts[#parts + 1] = pack_value(k, depth + 1)
      parts[#parts + 1] = pack_value(item, depth + 1)
    end
  end
  return concat(parts)
end

local function number_at(s, p, size)
  if p + size - 1 > #s then real_error('Missing bytes in input.', 0) end
  local n = 0
  for i = p, p + size - 1 do n = n * 256 + byte(s, i) end
  return n
end

local function text_at(s, p, size)
  if p + size - 1 > #s then real_error('Missing bytes in input.', 0) end
  return sub(s, p, p + size - 1), p + size
end

local unpack_value

local function unpack_array(s, p, n)
  local out = {}
  for i = 1, n do out[i], p = unpack_value(s, p) end
  return out, p
end

local function unpack_map(s, p, n)
  local out, key, value = {}, nil, nil
  for _ = 1, n do
    key, p = unpack_value(s, p)
    value, p = unpack_value(s, p)
    if key ~= nil and key == key then out[key] = value end
  end
  return out, p
end

function unpack_value(s, p)
  local t = byte(s, p)
  if not t then real_error('Missing bytes in input.', 0) end
  if t <= 127 then return t, p + 1 end
  if t >= 224 then return t - 256, p + 1 end
  if t >= 160 and t <= 191 then return text_at(s, p + 1, t - 160) end
  if t >= 144 and t <= 159 then return unpack_array(s, p + 1, t - 144) end
  if t >= 128 and t <= 143 then return unpack_map(s, p + 1, t - 128) end
  if t == 192 then return nil, p + 1 end
  if t == 194 then return false, p + 1 end
  if t == 195 then return true, p + 1 end
  if t == 202 or t == 203 then
    local size = t == 202 and 4 or 8
    local text, after = text_at(s, p + 1, size)
    return host.unpack_float(text), after
  end
  if t >= 204 and t <= 207 then
    local size = 2 ^ (t - 204)
    return number_at(s, p + 1, size), p + 1 + size
  end
  if t >= 208 and t <= 211 then
    local size = 2 ^ (t - 208)
    local n = number_at(s, p + 1, size)
    if n >= 2 ^ (8 * size - 1) then n = n - 2 ^ (8 * size) end
    return n, p + 1 + size
  end
  if t == 217 or t == 196 then return text_at(s, p + 2, number_at(s, p + 1, 1)) end
  if t == 218 or t == 197 then return text_at(s, p + 3, number_at(s, p + 1, 2)) end
  if t == 219 or t == 198 then return text_at(s, p + 5, number_at(s, p + 1, 4)) end
  if t == 220 then return unpack_array(s, p + 3, number_at(s, p + 1, 2)) end
  if t == 221 then return unpack_array(s, p + 5, number_at(s, p + 1, 4)) end
  if t == 222 then return unpack_map(s, p + 3, number_at(s, p + 1, 2)) end
  if t == 223 then return unpack_map(s, p + 5, number_at(s, p + 1, 4)) end
  real_error('Bad data format in input.', 0)
end

local function unpack_some(s, limit, offset, tells_offset)
  if type(s) ~= 'string' then real_error("bad argument #1 to 'unpack' (string expected, got " .. type(s) .. ')', 0) end
  if offset < 0 or limit < 0 then
    real_error('Invalid request to unpack with offset of ' .. offset .. ' and limit of ' .. limit .. '.', 0)
  end
  if offset > #s then
    real_error('Start offset ' .. offset .. ' greater than input length ' .. #s .. '.', 0)
  end
  local out, n, p = {}, 0, offset + 1
  while p <= #s and (limit == 0 or n < limit) do
    n = n + 1
    out[n], p = unpack_value(s, p)
  end
  if tells_offset then return p > #s and -1 or p - 1, unpack(out, 1, n) end
  return unpack(out, 1, n)
end

local cmsgpack = exported_all({
  _NAME = 'cmsgpack', _VERSION = 'lua-cmsgpack 0.4.0', _COPYRIGHT = 'Copyright (C) 2012, Redis Ltd.',
  _DESCRIPTION = 'MessagePack C implementation for Lua',
  pack = function(...)
    local n = real_select('#', ...)
    if n == 0 then real_error("bad argument #0 to 'pack' (MessagePack pack needs input.)", 0) end
    local parts = {}
    for i = 1, n do parts[i] = pack_value((real_select(i, ...)), 0) end
    return concat(parts)
  end,
  unpack = function(s) return unpack_some(s, 0, 0, false) end,
  unpack_one = function(s, offset) return unpack_some(s, 1, offset or 0, true) end,
  unpack_limit = function(s, limit, offset) return unpack_some(s, limit or 0, offset or 0, true) end,
})
exported_all(struct)
exported_all(bit)

-- The environment ------------------------------------------------------------------------------------------------------

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

-- Every so often Python may look up: a script that runs for too long lets others be heard, and one of them may end it.
-- Code of this file is not ended half-way; what comes after it is.
local POLL_INSTRUCTIONS = 100000
local set_hook = debug.sethook
local ending = false

local function hook()
  local text = host.poll()
  if not text then return end
  ending = true
  set_hook(hook, '', 1) -- a pcall in the script must not swallow it
  local info = real_getinfo(2, 'S')
  if info and info.source ~= '=server' then fail(text) end
end

local function watch()
  ending = false
  set_hook(hook, '', POLL_INSTRUCTIONS)
end
watch()

local safe_coroutine = copied(coroutine)
local create, resume = coroutine.create, coroutine.resume

function safe_coroutine.create(f)
  local thread = create(f)
  set_hook(thread, hook, '', POLL_INSTRUCTIONS)
  return thread
end

function safe_coroutine.resume(...)
  local function outcome(ok, err, ...)
    if not ok then return ok, lua_error(err) end
    return ok, err, ...
  end
  return outcome(resume(...))
end

function safe_coroutine.wrap(f)
  local thread = safe_coroutine.create(f)
  local function outcome(ok, ...)
    if not ok then real_error((...), 0) end
    return ...
  end
  return function(...) return outcome(resume(thread, ...)) end
end

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

local shared = {
  bit = protect(bit), cjson = protect(new_cjson()), cmsgpack = protect(cmsgpack), coroutine = protect(safe_coroutine),
  math = protect(safe_math), os = protect({clock = os.clock}), string = string_view, struct = protect(struct),
  table = protect(safe_table), __redis__err__handler = handler,
}

-- Source only: bytecode could break out. As in the original it is parsed like any text, and is none.
local function compile(text, name, env)
  if byte(text, 1) == 27 then text = ' ' .. text end
  local chunk, problem = real_loadstring(text, name)
  if chunk then
    if find(text, 'return', 1, true) then chunk = real_loadstring(host.keep_callers(dump(chunk)), name) end
    setfenv(chunk, env)
  end
  return chunk, problem
end

local function missing(_, name)
  real_error("Script attempted to access nonexistent global variable '" .. tostring(name) .. "'", 2)
end

-- A read-only view of ``globals``, in which other names are errors.
local function environment(globals)
  real_setmetatable(globals, {__index = missing})
  local env = protect(globals)
  shown_metatable[env] = protect({__index = missing})
  return env
end

local function named(globals, server)
  globals.redis = server
  if is_server then globals.server = server end
  return globals
end

local function globals_with(server)
  local globals = named(copied(base), protect(server))
  for k, v in real_next, shared do globals[k] = v end
  local env = environment(globals)
  globals._G = env
  function globals.loadstring(text, name)
    if type(text) ~= 'string' then real_error("bad argument #1 to 'loadstring' (string expected)", 0) end
    return compile(text, name or text, env)
  end
  function globals.load(source, name)
    local parts = {}
    while true do
      local part = source()
      if part == nil or part == '' then break end
      parts[#parts + 1] = part
    end
    return compile(concat(parts), name or '=(load)', env)
  end
  return globals, env
end

real_getmetatable('').__index = string_view

if is_server then shared.__server__err__handler = handler end

local script_globals, script_env = globals_with(api)
script_globals.KEYS, script_globals.ARGV = {}, {}

-- Functions of libraries see less of redis.*; while a library loads, nothing but this.
local function_api = copied(api)
function_api.breakpoint, function_api.debug, function_api.replicate_commands = nil, nil, nil
local function_globals = globals_with(function_api)

local loading, refusal
local load_api = {log = api.log}
for k, v in real_next, host.constants do
  if sub(k, 1, 5) ~= 'REPL_' then load_api[k] = v end
end

local register_name = host.name .. '.register_function'

-- Functions of Python lose their wrapping on the way here.
local function function_of(v)
  if type(v) ~= 'userdata' then return v end
  local ok, f = real_pcall(as_function, v)
  return ok and f or v
end

local function text_of(v) return type(v) == 'number' and tostring(v) or type(v) == 'string' and v or nil end

local function named_arguments(t)
  if type(t) ~= 'table' then
    fail('ERR calling ' .. register_name
      .. ' with a single argument is only applicable to Lua table (representing named arguments).')
  end
  local given = {}
  for key, value in real_next, t do
    if key == 'function_name' or key == 'description' then
      given[key] = text_of(value)
      if not given[key] then fail('ERR ' .. key .. ' argument given to ' .. register_name .. ' must be a string') end
    elseif key == 'callback' then
      value = function_of(value)
      if type(value) ~= 'function' then
        fail('ERR callback argument given to ' .. register_name .. ' must be a function')
      end
      given.callback = value
    elseif key == 'flags' then
      if type(value) ~= 'table' then
        fail('ERR flags argument to ' .. register_name .. ' must be a table representing function flags')
      end
      given.flags = value
    else
      fail('ERR unknown argument given to ' .. register_name)
    end
  end
  if not given.function_name then fail('ERR ' .. register_name .. ' must get a function name argument') end
  if not given.callback then fail('ERR ' .. register_name .. ' must get a callback argument') end
  return given.function_name, given.callback, given.description, given.flags
end

local function words_in(flags)
  local words, i = {}, 1
  while flags and real_rawget(flags, i) ~= nil do
    words[i] = real_rawget(flags, i)
    if type(words[i]) ~= 'string' or find(words[i], ' ', 1, true) then fail('ERR unknown flag given') end
    i = i + 1
  end
  return concat(words, ' ')
end

local runner_of_function

local function register_function(...)
  local n = real_select('#', ...)
  if not loading then fail('ERR ' .. register_name .. ' can only be called on FUNCTION LOAD command') end
  if n < 1 or n > 2 then fail('ERR wrong number of arguments to ' .. register_name) end
  local name, callback, description, flags = ...
  if n == 1 then
    name, callback, description, flags = named_arguments(name)
  else
    name = text_of(name)
    if not name then fail('ERR first argument to ' .. register_name .. ' must be a string') end
    callback = function_of(callback)
    if type(callback) ~= 'function' then fail('ERR second argument to ' .. register_name .. ' must be a function') end
    description, flags = nil, nil
  end
  local problem, is_refusal = host.register(name, words_in(flags), description or false, runner_of_function(callback))
  if not problem then return end
  if is_refusal then refusal = problem end
  fail(problem)
end

load_api.register_function = exported(register_function)
real_setmetatable(load_api, {__index = missing})
local loading_globals = named({}, protect(load_api))
real_setmetatable(loading_globals, {__index = missing})

-- What is wrong with the library, or nil. Its code keeps its environment, which is another one afterwards.
local function load_library(text)
  local env = {}
  local metatable = {__index = loading_globals, __newindex = refuse_change}
  real_setmetatable(env, metatable)
  real[env] = function_globals
  local chunk, problem = compile(text, '@user_function', env)
  if not chunk then return 'ERR Error compiling function: ' .. problem end
  loading, refusal = true, nil
  local ok, err = real_xpcall(chunk, handler)
  loading = false
  if ending then watch() end
  metatable.__index = function_globals
  if ok then return end
  return refusal or 'ERR Error registering functions: ' .. err.err
end

-- Is this an array, perhaps with tables in it, of so few elements that Python writes it sooner than we do?
local ELEMENTS_MAX = 2000
local function is_short_array(t)
  local size = #t
  if size == 0 or size > ELEMENTS_MAX or script3 or type(t[1]) == 'table' or real_getmetatable(t) ~= nil then
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
  if ending then watch() end
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
  if script3 then return scalar(value, kind), false end
  return value and 1 or nil
end

-- How to get from words to KEYS and ARGV, by the number of keys, or AS_TABLES if they come as such.
local AS_TABLES, TO_RESP3 = 128, 256 -- see lua.py
local split = real_setmetatable({[AS_TABLES] = function(keys, argv) return keys, argv end}, {__index = function(t, count)
  local names = {}
  for i = 1, count do names[i] = 'k' .. i end
  local words = concat(names, ', ')
  local text = 'return function(' .. words .. (count > 0 and ', ' or '') .. '...) return {' .. words .. '}, {...} end'
  t[count] = real_loadstring(text, '=server')()
  return t[count]
end})

-- Functions for Python to call: with a number that says how many keys there are and the like, keys and arguments.
local function runner_of_script(chunk)
  return function(shape, ...)
    client3, script3 = shape >= TO_RESP3, false
    if client3 then shape = shape - TO_RESP3 end
    script_globals.KEYS, script_globals.ARGV = split[shape](...)
    return outcome_of(real_xpcall(chunk, handler))
  end
end

function runner_of_function(f)
  local keys, argv
  local function call() return f(keys, argv) end
  return function(shape, ...)
    client3, script3 = shape >= TO_RESP3, false
    if client3 then shape = shape - TO_RESP3 end
    keys, argv = split[shape](...)
    return outcome_of(real_xpcall(call, handler))
  end
end

debug = nil -- lupa would look for its traceback in each call

return {
  where = where,
  encode_given = function() return encode(given) end,
  forget_rows = function() rows, row_count = {}, 0 end,
  compile = function(text, name)
    local chunk, problem = compile(text, name, script_env)
    return chunk and runner_of_script(chunk) or problem
  end,
  use_protocols = function(of_client, of_script) client3, script3 = of_client, of_script end,
  load_library = load_library,
  memory = function()
    collectgarbage('collect')
    return collectgarbage('count') * 1024
  end,
}
"""
