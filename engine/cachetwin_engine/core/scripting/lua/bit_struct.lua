-- ``bit`` and ``struct``: their work is done in Python, which answers true and results, or false and what is wrong.

local host, parts = ...
local exported_all = parts.errors.exported_all
local type, tonumber, unpack, ipairs = type, tonumber, unpack, ipairs
local real_error, real_select = error, select

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

return {bit = exported_all(bit), struct = exported_all(struct)}
