-- What a Lua program consists of: read, never run. Prints one line of JSON, as lowres_code.language.analysis reads it.
-- The program has been accepted by Lua's own compiler first, so that what is read here is well formed.

local file = assert(io.open(arg[1], "rb"))
local text = file:read("a")
file:close()
if not loadfile(arg[1], "t") then os.exit(1) end

local tokens = assert(loadfile((arg[0]:gsub("%.lua$", "-tokens.lua"))))(text)

-- What is found.

local functions, operations, literals, numbers = 0, 0, {}, {}
local defined, anonymous = {}, 0     -- functions by name
local own, used = {}, {}             -- variables that the program makes; places of all variables, by name
local fields, quoted = {}, {}        -- names of fields; what stands in strings
local calls = {}                     -- names of what is called

local here = 1
local function peek(ahead) return tokens[here + (ahead or 0)][2] end
local function kind(ahead) return tokens[here + (ahead or 0)][1] end
local function take() here = here + 1; return tokens[here - 1] end
local function is(symbol) return peek() == symbol and kind() ~= "string" end
local function accept(symbol) if is(symbol) then take(); return true end end

local function variable(makes)
  local token = take()
  local name = token[2]
  used[name] = used[name] or {}
  table.insert(used[name], {token[3], token[4]})
  if makes then own[name] = true end
  return name
end

local function operation() operations = operations + 1 end
local function define(name)
  functions = functions + 1
  if name then defined[name] = true else anonymous = anonymous + 1 end
end

local function literal(value) literals[#literals + 1] = value end

-- Of a string, the value is told by Lua itself: the compiler has accepted it, and it is nothing but one literal.
local function text_literal()
  local value = load("return " .. take()[2], "=literal", "t", {})()
  quoted[#quoted + 1] = value
  literal(value)
end

local function field()
  local name = take()[2]
  fields[name] = true
  return name
end

local expression, block

local function number(sign)
  local token = take()
  numbers[#numbers + 1] = {sign and sign[3] or token[3], token[4]}
  local value = tonumber(token[2])
  literal(math.type(value) == "integer" and ("%d"):format(sign and -value or value) or (sign and "-" or "") .. token[2])
end

local function expressions() repeat expression() until not accept(",") end

local function body(name)
  define(name)
  accept("(")
  while not accept(")") do
    if kind() == "name" then variable(true) else take() end
    accept(",")
  end
  block()
  accept("end")
end

local function constructor()
  accept("{")
  while not accept("}") do
    if kind() == "name" and peek(1) == "=" and kind(1) == "symbol" then
      local key = field()
      accept("=")
      if is("function") then take(); body(key) else literal(key); expression() end
    else
      if accept("[") then expression(); accept("]"); accept("=") end
      expression()
    end
    if not accept(",") then accept(";") end
  end
end

-- What stands before operators: a variable, a call, something in parentheses. Its last name, and its whole name.

local function suffixed()
  local last, whole
  if accept("(") then expression(); accept(")") else last = variable(); whole = last end
  while true do
    if is(".") or is(":") then
      take()
      last = field()
      whole = (whole or "") .. "." .. last
    elseif accept("[") then
      expression(); accept("]")
      last, whole = nil, nil
    elseif is("(") or is("{") or kind() == "string" then
      if whole then calls[#calls + 1] = {last, whole} end
      if accept("(") then if not accept(")") then expressions(); accept(")") end
      elseif is("{") then constructor() else text_literal() end
      last, whole = nil, nil
    else
      return last, whole
    end
  end
end

local binary = {[".."] = false, ["and"] = false, ["or"] = false}  -- what computes
for symbol in ("+ - * / // % ^ & | ~ << >> == ~= < > <= >="):gmatch("%S+") do binary[symbol] = true end

local function operand()
  if is("-") and kind(1) == "number" then number(take())
  elseif is("-") or is("not") or is("#") or is("~") then take(); operation(); operand()
  elseif kind() == "number" then number()
  elseif kind() == "string" then text_literal()
  elseif is("true") or is("false") then literal(take()[2])
  elseif is("nil") or is("...") then take()
  elseif accept("function") then body()
  elseif is("{") then constructor()
  else suffixed() end
end

function expression()
  operand()
  while binary[peek()] ~= nil do
    if binary[take()[2]] then operation() end
    operand()
  end
end

local function values(names)
  local n = 0
  repeat
    n = n + 1
    if is("function") then take(); body(names[n]) else expression() end
  until not accept(",")
end

local function local_statement()
  if accept("function") then body(variable(true)); return end
  local names = {}
  repeat
    names[#names + 1] = variable(true)
    if accept("<") then take(); accept(">") end
  until not accept(",")
  if accept("=") then values(names) end
end

local function for_statement()
  variable(true)
  if accept("=") then operation() else while accept(",") do variable(true) end; accept("in") end
  expressions()
  accept("do"); block(); accept("end")
end

local function if_statement()
  repeat expression(); accept("then"); block() until not accept("elseif")
  if accept("else") then block() end
  accept("end")
end

local function function_statement()
  local plain = peek(1) ~= "." and peek(1) ~= ":"
  local name = variable(plain)
  while is(".") or is(":") do take(); name = field() end
  body(name)
end

local function assignment()
  local names = {}
  repeat
    local plain, at = kind() == "name" and (peek(1) == "=" or peek(1) == ",") and kind(1) == "symbol", peek()
    names[#names + 1] = suffixed() or false
    if plain then own[at] = true end
  until not accept(",")
  if accept("=") then values(names) end
end

local function at_block_end() return kind() == "end" or is("end") or is("else") or is("elseif") or is("until") end

local function statement()
  if accept(";") then return
  elseif accept("local") then local_statement()
  elseif accept("for") then for_statement()
  elseif accept("if") then if_statement()
  elseif accept("while") then expression(); accept("do"); block(); accept("end")
  elseif accept("do") then block(); accept("end")
  elseif accept("repeat") then block(); accept("until"); expression()
  elseif accept("function") then function_statement()
  elseif accept("return") then
    if not (at_block_end() or is(";")) then expressions() end
  elseif accept("break") then return
  elseif accept("goto") then take()
  elseif accept("::") then take(); accept("::")
  else assignment() end
end

function block()
  while not at_block_end() do statement() end
end

block()

-- Calls of what the program does not define, and that is more than control, conversion or output, are operations.

local neutral = {}
for name in ("print io.write io.read io.lines io.stdout.write stdout.write write tostring tonumber string.format format "
  .. "ipairs pairs next select type error assert pcall require os.exit table.unpack"):gmatch("%S+") do
  neutral[name] = true
end
for _, call in ipairs(calls) do
  if not (defined[call[1]] or neutral[call[2]] or (call[2]:find("%.") and neutral[call[1]])) then operation() end
end

-- JSON, with places in characters from 0.

local character, at, count = {}, 1, 0  -- by the byte with which it begins; a byte that is no UTF-8 is one by itself
while at <= #text do
  character[at] = count
  at, count = utf8.len(text, at, at) and utf8.offset(text, 2, at) or at + 1, count + 1
end
character[at] = count

local function json(said)
  said = utf8.len(said) and said or said:gsub("[\128-\255]", "?")
  return '"' .. said:gsub('[%c"\\\127]', function(one) return ("\\u%04x"):format(one:byte()) end) .. '"'
end

-- A variable is the program's own unless something else may call it by its name.

for _, text in ipairs(quoted) do
  own[text] = nil
  if used.load then for name in text:gmatch("[%a_][%w_]*") do own[name] = nil end end
end
for name in pairs((used._G or used._ENV) and fields or {}) do own[name] = nil end
for _, name in ipairs{"_ENV", "arg", "self"} do own[name] = nil end

local rows, spans, kept, names = {}, {}, {}, 0
for name, places in pairs(used) do
  if own[name] and _G[name] == nil then
    for _, span in ipairs(places) do rows[#rows + 1] = {name, span[1], span[2]} end
  end
end
table.sort(rows, function(a, b) return a[2] < b[2] end)
for n, row in ipairs(rows) do
  rows[n] = ("[%s,%d,%d]"):format(json(row[1]), character[row[2]], character[row[3] + 1])
end
for n, span in ipairs(numbers) do spans[n] = ("[%d,%d]"):format(character[span[1]], character[span[2] + 1]) end
for n, value in ipairs(literals) do
  if n > 1000 then break end
  kept[n] = json(utf8.len(value) and value:sub(1, (utf8.offset(value, 201) or #value + 1) - 1) or value:sub(1, 200))
end
for _ in pairs(defined) do names = names + 1 end
print(('{"clauses":%d,"predicates":%d,"constraints":0,"operations":%d,"literals":[%s],"names":[%s],"numbers":[%s]}'):format(
  functions, names + anonymous, operations, table.concat(kept, ","), table.concat(rows, ","), table.concat(spans, ",")))
