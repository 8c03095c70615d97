-- ``cmsgpack``: MessagePack to Lua values and back, with the errors of lua-cmsgpack 0.4.

local host, parts = ...
local real, exported_all = parts.readonly.real, parts.errors.exported_all
local byte, sub, concat, floor, type, unpack = string.byte, string.sub, table.concat, math.floor, type, unpack
local real_error, real_next, real_select = error, next, select

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
  local pieces = {}
  if top and top == count then
    pieces[1] = pack_size(count, 144, 15, nil, 220, 221)
    for i = 1, count do pieces[i + 1] = pack_value(v[i], depth + 1) end
  else
    pieces[1] = pack_size(count, 128, 15, nil, 222, 223)
    for k, item in real_next, v do
      pieces[#pieces + 1] = pack_value(k, depth + 1)
      pieces[#pieces + 1] = pack_value(item, depth + 1)
    end
  end
  return concat(pieces)
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

return exported_all({
  _NAME = 'cmsgpack', _VERSION = 'lua-cmsgpack 0.4.0', _COPYRIGHT = 'Copyright (C) 2012, Redis Ltd.',
  _DESCRIPTION = 'MessagePack C implementation for Lua',
  pack = function(...)
    local n = real_select('#', ...)
    if n == 0 then real_error("bad argument #0 to 'pack' (MessagePack pack needs input.)", 0) end
    local pieces = {}
    for i = 1, n do pieces[i] = pack_value((real_select(i, ...)), 0) end
    return concat(pieces)
  end,
  unpack = function(s) return unpack_some(s, 0, 0, false) end,
  unpack_one = function(s, offset) return unpack_some(s, 1, offset or 0, true) end,
  unpack_limit = function(s, limit, offset) return unpack_some(s, limit or 0, offset or 0, true) end,
})
