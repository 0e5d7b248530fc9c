/**
 * Oxide in VS Code: finds the language server, starts it, and says in a status item how it is.
 * Everything about kernels is the server's.
 */

import { commands, ExtensionContext, languages, window, workspace } from "vscode";
import { Highlighting } from "./highlighting";
import { CompiledCode } from "./ptx";
import { pythonApi } from "./python";
import { explainRule } from "./rules";
import { SELECTOR, Session } from "./session";

// Settings that name another server or another way to start it; the server hears of the others.
const RESTARTING = ["oxide.enable", "oxide.serverPath", "oxide.interpreter"];

let session: Session | undefined;

export async function activate(context: ExtensionContext): Promise<void> {
  const log = window.createOutputChannel("Oxide", { log: true });
  const status = languages.createLanguageStatusItem("oxide", SELECTOR);
  status.name = "Oxide";
  const code = new CompiledCode();
  const highlighting = new Highlighting();
  const current = new Session(log, status, highlighting, (client) => code.use(client));
  session = current;
  context.subscriptions.push(
    log,
    status,
    code,
    highlighting,
    commands.registerCommand("oxide.restart", () => current.restart()),
    commands.registerCommand("oxide.showLog", () => log.show()),
    commands.registerCommand("oxide.explainRule", (rule?: unknown) =>
      explainRule(typeof rule === "string" ? rule : undefined),
    ),
    commands.registerCommand("oxide.otherAccess", () => otherAccess(current)),
    commands.registerCommand("oxide.checkWorkspace", () => checkWorkspace(current)),
    workspace.onDidChangeConfiguration((change) => {
      if (RESTARTING.some((setting) => change.affectsConfiguration(setting))) {
        void current.restart();
      }
    }),
    workspace.onDidGrantWorkspaceTrust(() => current.restart()),
  );
  const python = await pythonApi();
  if (python !== undefined) {
    context.subscriptions.push(
      python.environments.onDidChangeActiveEnvironmentPath(() => current.environmentChanged()),
    );
  }
  await current.restart();
}

export async function deactivate(): Promise<void> {
  await session?.stop();
}

/** From one access of a race at the cursor to the other; the server knows where that is. */
async function otherAccess(session: Session): Promise<void> {
  const editor = window.activeTextEditor;
  if (editor !== undefined && session.running !== undefined) {
    const { line, character } = editor.selection.active;
    await commands.executeCommand("oxide.goToOtherAccess", editor.document.uri.toString(), { line, character });
  }
}

async function checkWorkspace(session: Session): Promise<void> {
  const client = session.running;
  if (client === undefined) {
    void window.showInformationMessage("Oxide's language server is not running.");
    return;
  }
  // The server shows how far it is, and stops when that is cancelled.
  await client.sendRequest("workspace/executeCommand", { command: "oxide.check", arguments: [] });
  await commands.executeCommand("workbench.actions.view.problems");
}
