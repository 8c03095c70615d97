-- What Python calls (machine.py).

local _, parts = ...
local compile, script_env, runner_of_script = parts.environment.compile, parts.environment.script_env, parts.runs.of_script
local collectgarbage = collectgarbage

debug = nil -- lupa would look for its traceback in each call

return {
  where = parts.errors.where,
  encode_given = parts.runs.encode_given,
  forget_rows = parts.api.forget_rows,
  compile = function(text, name)
    local chunk, problem = compile(text, name, script_env)
    return chunk and runner_of_script(chunk) or problem
  end,
  use_protocols = parts.encoder.use_protocols,
  load_library = parts.libraries.load,
  memory = function()
    collectgarbage('collect')
    return collectgarbage('count') * 1024
  end,
}
