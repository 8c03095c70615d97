-- A command's reply as Lua values. It comes from Python as a row of plain values (values.py), in which ``true`` and a
-- number announce what is more than a string, a number or a boolean.

local host = ...

local build

local function build_many(row, i, n)
  local out = {}
  for place = 1, n do
    local v = row[i]
    if v == true then v, i = build(row, i) else i = i + 1 end
    out[place] = v
  end
  return out, i
end

function build(row, i)
  local v = row[i]
  if v ~= true then return v, i + 1 end
  local kind, what = row[i + 1], row[i + 2]
  if kind >= 0 then return build_many(row, i + 2, kind) end
  if kind == -1 then return {ok = what}, i + 3 end
  if kind == -2 then return {err = what, ignore_error_stats_update = true}, i + 3 end
  if kind == -3 then
    local map, key, value = {}, nil, nil
    i = i + 3
    for _ = 1, what do
      key, i = build(row, i)
      value, i = build(row, i)
      map[key] = value
    end
    return {map = map}, i
  end
  if kind == -4 then
    local set, member = {}, nil
    i = i + 3
    for _ = 1, what do
      member, i = build(row, i)
      set[member] = true
    end
    return {set = set}, i
  end
  if kind == -5 then return {double = what}, i + 3 end
  if kind == -6 then return true, i + 2 end
  if kind == -7 then return {big_number = what}, i + 3 end
  return {verbatim_string = {format = what, string = row[i + 3]}}, i + 4
end

local VALUES_MAX = 4000 -- at once, see machine.py

local function row_of(size)
  local row = {host.values()}
  for given = VALUES_MAX, size - 1, VALUES_MAX do
    local more = {host.values()}
    for i = 1, VALUES_MAX do row[given + i] = more[i] end
  end
  return row
end

return {build = build, row_of = row_of}
