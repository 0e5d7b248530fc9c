-- Oxide in Neovim 0.7 or newer: copy it to ~/.config/nvim/lua/oxide.lua, and in init.lua:
--
--   require("oxide").setup({ cmd = { "oxide-lsp" }, settings = { ptxTarget = "sm_90" } })
--
-- Findings, hovers, fixes, hints and lenses are Neovim's own. `:OxidePtx [sm_90]` shows the code of
-- the kernel at the cursor beside it: it follows edits, and the two cursors mark each other's lines.

local M = {}

local METHOD, CHANGED = "oxide/ptx", "oxide/ptxChanged"
local marks = vim.api.nvim_create_namespace("oxide")
local views = {} -- what is shown, by the name of the document

local function mark(buffer, lines)
  vim.api.nvim_buf_clear_namespace(buffer, marks, 0, -1)
  for _, line in ipairs(lines) do
    vim.api.nvim_buf_add_highlight(buffer, marks, "Visual", line, 0, -1)
  end
end

local function window_of(buffer)
  local window = vim.fn.bufwinid(buffer)
  return window ~= -1 and window or nil
end

local function reveal(buffer, line)
  local window = window_of(buffer)
  if window and line and line < vim.api.nvim_buf_line_count(buffer) then
    vim.api.nvim_win_set_cursor(window, { line + 1, 0 })
  end
end

local function shows(view)
  return vim.api.nvim_buf_is_valid(view.buffer) and vim.api.nvim_buf_is_valid(view.source)
end

-- In the lists of the protocol nothing is vim.NIL, and lines count from 0.
local function follow(buffer)
  local here = vim.api.nvim_win_get_cursor(0)[1] - 1
  for _, view in pairs(views) do
    if shows(view) and buffer == view.source then
      local lines = {}
      for number, line in ipairs(view.lines) do
        if line == here then
          table.insert(lines, number - 1)
        end
      end
      mark(view.buffer, lines)
      reveal(view.buffer, lines[1])
    elseif shows(view) and buffer == view.buffer then
      local line = view.lines[here + 1]
      local found = type(line) == "number"
      mark(view.source, found and { line } or {})
      reveal(view.source, found and line or nil)
    end
  end
end

local function take(view, answer)
  if not shows(view) then
    views[answer.uri] = nil
    return
  end
  view.lines = answer.lines
  vim.api.nvim_buf_set_option(view.buffer, "modifiable", true)
  vim.api.nvim_buf_set_lines(view.buffer, 0, -1, false, vim.split(answer.text, "\n"))
  vim.api.nvim_buf_set_option(view.buffer, "modifiable", false)
end

local function clients()
  return (vim.lsp.get_clients or vim.lsp.get_active_clients)()
end

local function client()
  for _, each in ipairs(clients()) do
    if each.name == "oxide" then
      return each
    end
  end
end

local function ask(params, answered)
  local server = client()
  if not server then
    vim.notify("Oxide's language server is not running", vim.log.levels.WARN)
    return
  end
  local function answer(problem, result)
    if problem then
      vim.notify(problem.message, vim.log.levels.ERROR)
    elseif not result or result == vim.NIL then
      vim.notify("there is no kernel here", vim.log.levels.WARN)
    else
      answered(result)
    end
  end
  -- Since 0.11 a client's functions are methods.
  if vim.fn.has("nvim-0.11") == 1 then
    server:request(METHOD, params, answer)
  else
    server.request(METHOD, params, answer)
  end
end

function M.show_ptx(target)
  local source = vim.api.nvim_get_current_buf()
  local params = {
    textDocument = { uri = vim.uri_from_bufnr(source) },
    position = { line = vim.api.nvim_win_get_cursor(0)[1] - 1, character = 0 },
    target = target,
  }
  ask(params, function(answer)
    local view = views[answer.uri]
    if not view or not shows(view) then
      local buffer = vim.api.nvim_create_buf(false, true)
      view = { buffer = buffer, source = source, lines = {} }
      views[answer.uri] = view
      vim.api.nvim_buf_set_option(buffer, "filetype", "ptx")
      local window = vim.api.nvim_get_current_win()
      vim.cmd("rightbelow vsplit")
      vim.api.nvim_win_set_buf(0, buffer)
      vim.api.nvim_set_current_win(window)
      for _, each in ipairs({ source, buffer }) do
        vim.api.nvim_create_autocmd("CursorMoved", {
          buffer = each,
          callback = function()
            follow(each)
          end,
        })
      end
    end
    take(view, answer)
    follow(source)
  end)
end

local function changed(_, params)
  local view = views[params.uri]
  if view then
    ask({ uri = params.uri }, function(answer)
      take(view, answer)
    end)
  end
end

function M.setup(options)
  options = options or {}
  local config = {
    name = "oxide",
    cmd = options.cmd or { "oxide-lsp" },
    filetypes = { "python" },
    root_markers = { "pyproject.toml", ".git" },
    init_options = options.settings or {},
    handlers = { [CHANGED] = changed },
  }
  if vim.lsp.config then
    vim.lsp.config("oxide", config)
    vim.lsp.enable("oxide")
  else
    vim.api.nvim_create_autocmd("FileType", {
      pattern = "python",
      callback = function(event)
        local path = vim.api.nvim_buf_get_name(event.buf)
        config.root_dir = vim.fn.fnamemodify(path, ":p:h")
        local running = client()
        if vim.lsp.start then
          vim.lsp.start(config)
        else
          vim.lsp.buf_attach_client(event.buf, running and running.id or vim.lsp.start_client(config))
        end
      end,
    })
  end
  vim.api.nvim_create_user_command("OxidePtx", function(command)
    M.show_ptx(command.args ~= "" and command.args or nil)
  end, { nargs = "?" })
end

return M
