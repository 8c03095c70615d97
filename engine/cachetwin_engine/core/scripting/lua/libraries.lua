-- ``register_function`` and the loading of libraries.

local host, parts = ...
local real, protect, refuse_change = parts.readonly.real, parts.readonly.protect, parts.readonly.refuse_change
local fail, handler, exported = parts.errors.fail, parts.errors.handler, parts.errors.exported
local compile, missing, named = parts.environment.compile, parts.environment.missing, parts.environment.named
local api, function_globals = parts.api.api, parts.environment.function_globals
local runner_of_function, rewatch = parts.runs.of_function, parts.watch.rewatch
local sub, find, concat, type, tostring = string.sub, string.find, table.concat, type, tostring
local as_function = python.as_function
local real_pcall, real_xpcall, real_next, real_rawget, real_select = pcall, xpcall, next, rawget, select
local real_setmetatable = setmetatable

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

-- What is wrong with the library, or nil. Its code keeps its environment, whose globals change once it is loaded.
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
  rewatch()
  metatable.__index = function_globals
  if ok then return end
  return refusal or 'ERR Error registering functions: ' .. err.err
end

return {load = load_library}
