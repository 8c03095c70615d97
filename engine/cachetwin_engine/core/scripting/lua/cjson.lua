-- ``cjson``: JSON to Lua values and back, with the errors and settings of lua-cjson 2.1.

local _, parts = ...
local real, exported_all = parts.readonly.real, parts.errors.exported_all
local byte, sub, find, fmt, concat = string.byte, string.sub, string.find, string.format, table.concat
local match, gsub = string.match, string.gsub -- as methods of a string they would be looked up for long
local floor, huge, type, tostring, tonumber = math.floor, math.huge, type, tostring, tonumber
local real_error, real_next, real_select, real_getmetatable = error, next, select, getmetatable

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
    local start, pieces = p, {}
    p = p + 1
    while true do
      local e = find(s, '["\\%c]', p)
      if not e then real_error('Expected value but found unexpected end of string at character ' .. #s + 1, 0) end
      pieces[#pieces + 1] = sub(s, p, e - 1)
      local c = sub(s, e, e)
      if c == '"' then return concat(pieces), e + 1 end
      if c ~= '\\' then
        if c == '\127' then
          pieces[#pieces + 1] = c
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
          pieces[#pieces + 1] = utf8(code)
        elseif plain[kind] then
          pieces[#pieces + 1] = plain[kind]
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

return {null = null, new = new_cjson}
