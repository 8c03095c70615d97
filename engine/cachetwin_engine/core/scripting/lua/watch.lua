-- The hook that polls Python every so many instructions: while a script runs for too long, other clients are served, and
-- one of them may end it. The hook does not interrupt the code of these files; it ends the script's code after it.

local host, parts = ...
local fail, lua_error, copied = parts.errors.fail, parts.errors.lua_error, parts.readonly.copied
local real_error, real_getinfo = error, debug.getinfo

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

-- After each run: a script that was ended has left the hook set to every instruction.
local function rewatch()
  if ending then watch() end
end

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

return {rewatch = rewatch, coroutine = safe_coroutine}
