-- ``redis`` and ``server``: the functions that scripts get.

local host, parts = ...
local fail, exported_all = parts.errors.fail, parts.errors.exported_all
local build, row_of = parts.reply_values.build, parts.reply_values.row_of
local line_of, use_script_protocol = parts.encoder.line_of, parts.encoder.use_script_protocol
local sub, find, gsub, fmt, concat = string.sub, string.find, string.gsub, string.format, table.concat
local floor, type, tostring, tonumber, unpack = math.floor, type, tostring, tonumber, unpack
local real_error, real_next, real_select = error, next, select
local is_server = host.name == 'server'
local call_name = is_server and 'call' or 'redis lib call'

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
  use_script_protocol(version == 3)
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

local function forget_rows() rows, row_count = {}, 0 end

return {api = api, forget_rows = forget_rows}
