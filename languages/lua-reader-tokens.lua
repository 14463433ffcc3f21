-- The tokens of a Lua program that Lua's own compiler has accepted: called with its text, returns a list of
-- {kind, text, first byte, last byte}; kind is name, keyword, number, string, symbol, or end for the last one.

local text = ...

local keywords = {}
for word in ("and break do else elseif end false for function goto if in local nil not or repeat return then true until "
  .. "while"):gmatch("%a+") do keywords[word] = true end
local symbols = {"...", "<<", ">>", "//", "==", "~=", "<=", ">=", "::", ".."}

local function long_bracket(at)
  local level = text:match("^%[(=*)%[", at)
  return level and select(2, text:find("]" .. level .. "]", at, true))
end

local function number_end(at)
  local hex = text:find("^0[xX]", at)
  local _, last = text:find(hex and "^0[xX][%x.]*[pP]?" or "^[%d.]*[eE]?", at)
  if text:sub(last, last):find(hex and "[pP]" or "[eE]") then _, last = text:find("^[+-]?%d*", last + 1) end
  return last
end

local function quoted_end(at)
  local quote, place = text:sub(at, at), at + 1
  while text:sub(place, place) ~= quote do
    place = place + (text:sub(place, place) == "\\" and 2 or 1)
  end
  return place
end

local function token_at(at)
  local first = text:sub(at, at)
  if first:find("[%a_]") then
    local word = text:match("^[%w_]+", at)
    return keywords[word] and "keyword" or "name", at + #word - 1
  elseif first:find("%d") or text:find("^%.%d", at) then
    return "number", number_end(at)
  elseif first == '"' or first == "'" then
    return "string", quoted_end(at)
  elseif long_bracket(at) then
    return "string", long_bracket(at)
  end
  for _, symbol in ipairs(symbols) do
    if text:sub(at, at + #symbol - 1) == symbol then return "symbol", at + #symbol - 1 end
  end
  return "symbol", at
end

local function skipped(at)
  while true do
    local _, last = text:find("^%s+", at)
    if not last and text:find("^%-%-", at) then
      last = long_bracket(at + 2) or (text:find("[\r\n]", at) or #text)
    end
    if not last then return at end
    at = last + 1
  end
end

local tokens = {}
local place = text:find("^\xEF\xBB\xBF") and 4 or 1  -- a byte order mark, and the first line of a script
place = skipped(text:find("^#", place) and (text:find("\n", place, true) or #text + 1) or place)
while place <= #text do
  local kind, last = token_at(place)
  tokens[#tokens + 1] = {kind, text:sub(place, last), place, last}
  place = skipped(last + 1)
end
tokens[#tokens + 1] = {"end", "", #text + 1, #text}

return tokens
