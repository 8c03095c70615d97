-- The globals of scripts and of functions, and what they may compile.

local host, parts = ...
local protect, copied = parts.readonly.protect, parts.readonly.copied
local base, shown_metatable = parts.built_ins.base, parts.built_ins.shown_metatable
local handler, api = parts.errors.handler, parts.api.api
local byte, find, dump, concat = string.byte, string.find, string.dump, table.concat
local type, tostring, setfenv = type, tostring, setfenv
local real_error, real_next, real_loadstring, real_setmetatable = error, next, loadstring, setmetatable
local is_server = host.name == 'server'

local shared = {
  bit = protect(parts.bit_struct.bit), struct = protect(parts.bit_struct.struct),
  cjson = protect(parts.cjson.new()), cmsgpack = protect(parts.cmsgpack),
  math = protect(parts.built_ins.math), table = protect(parts.built_ins.table), string = parts.built_ins.string,
  coroutine = protect(parts.watch.coroutine), os = protect({clock = os.clock}),
  __redis__err__handler = handler,
}

if is_server then shared.__server__err__handler = handler end

-- Source only: bytecode could break out. As in Valkey it is parsed as text, and fails.
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
    local pieces = {}
    while true do
      local piece = source()
      if piece == nil or piece == '' then break end
      pieces[#pieces + 1] = piece
    end
    return compile(concat(pieces), name or '=(load)', env)
  end
  return globals, env
end

local script_globals, script_env = globals_with(api)
script_globals.KEYS, script_globals.ARGV = {}, {}

-- Functions of libraries see less of redis.*; while a library loads, nothing but this.
local function_api = copied(api)
function_api.breakpoint, function_api.debug, function_api.replicate_commands = nil, nil, nil
local function_globals = globals_with(function_api)

return {
  compile = compile, missing = missing, named = named, script_globals = script_globals, script_env = script_env,
  function_globals = function_globals,
}
