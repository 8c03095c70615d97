-- Errors: raised for scripts, made of what Python raised, and attributed to the line of the script.

local host, parts = ...
local real = parts.readonly.real
local type, tostring = type, tostring
local real_pcall, real_error, real_next, real_rawget, real_getinfo = pcall, error, next, rawget, debug.getinfo

local function fail(text) real_error({err = text}, 0) end

-- An exception of Python reaches Lua as userdata; here it becomes the error that Valkey would raise.
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

-- The prefix of an error that a function of Python raises: the Lua line that called it, empty if C code did.
local function where() return place(real_getinfo(3, 'Sl')) end

-- The handler of ``xpcall``: the error as a table with the place in the script that raised it.
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

-- Functions that scripts get raise their errors at the line that called them, as Valkey's C functions do.
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

return {
  fail = fail, lua_error = lua_error, plain_error = plain_error, where = where, handler = handler,
  exported = exported, exported_all = exported_all,
}
