-- Lua values as a reply for the client.

local host, parts = ...
local real, copied = parts.readonly.real, parts.readonly.copied
local sub, gsub, fmt, concat, floor = string.sub, string.gsub, string.format, table.concat, math.floor
local type = type
local real_next, real_rawget, real_setmetatable, real_getmetatable = next, rawget, setmetatable, getmetatable

local function line_of(text) return (gsub(text, '[\r\n]', ' ')) end

-- Formatting a number is slow, so the short lines are kept.
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

-- How deep a reply may be nested: where Valkey's Lua stack ends.
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

local function use_protocols(of_client, of_script) client3, script3 = of_client, of_script end
local function use_script_protocol(of_script) script3 = of_script end
local function script_uses_resp3() return script3 end

return {
  line_of = line_of, scalar = scalar, encode = encode, use_protocols = use_protocols,
  use_script_protocol = use_script_protocol, script_uses_resp3 = script_uses_resp3,
}
