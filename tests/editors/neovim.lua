-- Oxide in Neovim, by the set-up that docs/editors.md describes.
--
--   nvim --headless -u NONE --noplugin -S tests/editors/neovim.lua
--
-- OXIDE_PYTHON is the interpreter of the server, KERNEL a copy of a kernel with a race.

local root = vim.fn.fnamemodify(debug.getinfo(1, "S").source:sub(2), ":p:h:h:h")
package.path = root .. "/docs/editors/?.lua;" .. package.path

local start = vim.loop.hrtime()
local function say(word, text)
  local seconds = (vim.loop.hrtime() - start) / 1e9
  io.stdout:write(string.format("  %s  %s (%.1f s)\n", word, text, seconds))
end

local function check(text, holds, timeout)
  if vim.wait(timeout or 20000, holds, 20) then
    say("ok  ", text)
  else
    say("FAIL", text)
    io.stdout:write(vim.inspect(vim.diagnostic.get()) .. "\n")
    vim.cmd("cquit 1")
  end
end

local function lines(buffer)
  return table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, false), "\n")
end

local function line_of(buffer, text)
  for number, line in ipairs(vim.api.nvim_buf_get_lines(buffer, 0, -1, false)) do
    if line:find(text, 1, true) then
      return number
    end
  end
end

local function request(method, params)
  for _, answer in pairs(vim.lsp.buf_request_sync(0, method, params, 10000) or {}) do
    return answer.result
  end
end

require("oxide").setup({ cmd = { vim.env.OXIDE_PYTHON, "-P", "-m", "oxide_lsp" }, settings = { ptxTarget = "sm_90" } })
vim.cmd("filetype on")
vim.cmd("edit " .. vim.env.KERNEL)
local source = vim.api.nvim_get_current_buf()

local function findings()
  return vim.tbl_filter(function(one)
    return one.severity <= vim.diagnostic.severity.WARN
  end, vim.diagnostic.get(source))
end

check("a race is found", function()
  return #findings() == 1 and findings()[1].code == "OX104"
end)

local name = line_of(source, "def block_sum")
local at = { textDocument = vim.lsp.util.make_text_document_params(), position = { line = name - 1, character = 5 } }
check("hover says the verdict", function()
  local hover = request("textDocument/hover", at)
  return hover and hover.contents.value:find("violated", 1, true) ~= nil
end)

local race = findings()[1]
local place = { line = race.lnum, character = race.col }
local fixes = request("textDocument/codeAction", {
  textDocument = at.textDocument,
  range = { start = place, ["end"] = place },
  context = { diagnostics = {}, only = { "quickfix" } },
})
local repair = vim.tbl_filter(function(action)
  return action.title:find("sync_threads", 1, true) and action.edit
end, fixes)[1]
check("there is a fix", function()
  return repair ~= nil
end, 0)
vim.lsp.util.apply_workspace_edit(repair.edit, "utf-16")
check("the fix repairs it", function()
  return #findings() == 0
end)

vim.api.nvim_win_set_cursor(0, { name + 1, 0 })
vim.cmd("OxidePtx sm_80")
local compiled
check("its code is beside it", function()
  for _, window in ipairs(vim.api.nvim_list_wins()) do
    local buffer = vim.api.nvim_win_get_buf(window)
    if vim.bo[buffer].filetype == "ptx" and lines(buffer):find("bar.sync", 1, true) then
      compiled = buffer
    end
  end
  return compiled ~= nil
end)
check("for the architecture", function()
  return lines(compiled):find("for sm_80", 1, true) ~= nil
end, 0)

local namespace = vim.api.nvim_get_namespaces()["oxide"]
vim.api.nvim_win_set_cursor(0, { line_of(source, "out[block.x]"), 0 })
vim.cmd("doautocmd CursorMoved")
check("the cursor's line is marked there", function()
  local found = vim.api.nvim_buf_get_extmarks(compiled, namespace, 0, -1, {})
  for _, one in ipairs(found) do
    if vim.api.nvim_buf_get_lines(compiled, one[2], one[2] + 1, false)[1]:find("st.global", 1, true) then
      return true
    end
  end
  return false
end)

local number = line_of(source, "out[block.x]")
local text = vim.api.nvim_buf_get_lines(source, number - 1, number, false)[1]
vim.api.nvim_buf_set_lines(source, number - 1, number, false, { text .. " * 7.0" })
check("the code follows an edit", function()
  return lines(compiled):find("mul.f32", 1, true) ~= nil or lines(compiled):find("mul.rn.f32", 1, true) ~= nil
end)

vim.lsp.stop_client((vim.lsp.get_clients or vim.lsp.get_active_clients)())
check("the server ends", function()
  return #(vim.lsp.get_clients or vim.lsp.get_active_clients)() == 0
end, 5000)
vim.cmd("qall!")
