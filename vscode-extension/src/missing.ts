/** What is said when there is no server, or too old a one, and what can be done about it at once. */

import {
  commands,
  ConfigurationTarget,
  extensions,
  ProcessExecution,
  Task,
  TaskScope,
  tasks,
  Uri,
  window,
  workspace,
} from "vscode";
import { chooseEnvironment } from "./python";
import { commandLine, installation } from "./server";

const INSTALL = "Install into this environment";
const CHOOSE = "Choose interpreter";
const LEARN = "Learn more";

const EXTENSION = "oxide-kernels.oxide-kernels";

/** Say it; true if there is a reason to look for the server again. */
export async function offer(problem: string, interpreter: string | undefined): Promise<boolean> {
  const choices = interpreter === undefined ? [CHOOSE, LEARN] : [INSTALL, CHOOSE, LEARN];
  switch (await window.showWarningMessage(problem, ...choices)) {
    case INSTALL:
      return interpreter !== undefined && install(interpreter);
    case CHOOSE:
      return choose();
    case LEARN:
      await learn();
      return false;
    default:
      return false;
  }
}

/** Show the command; run it in a terminal if the user agrees. */
async function install(interpreter: string): Promise<boolean> {
  const [program = "", ...args] = await installation(interpreter);
  const run = "Run";
  const answer = await window.showInformationMessage(
    "Install Oxide's language server?",
    { modal: true, detail: commandLine([program, ...args]) },
    run,
  );
  if (answer !== run) {
    return false;
  }
  const task = new Task(
    { type: "oxide-install" },
    TaskScope.Workspace,
    "install",
    "Oxide",
    new ProcessExecution(program, args),
  );
  const code = await ended(task);
  if (code !== 0) {
    void window.showErrorMessage(`The installation ended with exit code ${code}; its terminal says why.`);
  }
  return code === 0;
}

function ended(task: Task): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const listener = tasks.onDidEndTaskProcess((event) => {
      if (event.execution.task.name === task.name && event.execution.task.source === task.source) {
        listener.dispose();
        resolve(event.exitCode);
      }
    });
    tasks.executeTask(task).then(undefined, (error: unknown) => {
      listener.dispose();
      reject(error instanceof Error ? error : new Error(String(error)));
    });
  });
}

/** The extension's own page, which is there without a network. */
async function learn(): Promise<void> {
  const folder = extensions.getExtension(EXTENSION)?.extensionUri;
  if (folder !== undefined) {
    await commands.executeCommand("markdown.showPreview", Uri.joinPath(folder, "dist", "welcome.md"));
  }
}

/** By the Python extension, whose choice is followed, else as a setting. */
async function choose(): Promise<boolean> {
  if (await chooseEnvironment()) {
    return true;
  }
  const first = workspace.workspaceFolders?.[0]?.uri;
  const [file]: Uri[] =
    (await window.showOpenDialog({
      title: "The Python interpreter that has Oxide",
      openLabel: "Use",
      ...(first === undefined ? {} : { defaultUri: first }),
    })) ?? [];
  if (file !== undefined) {
    const target = first === undefined ? ConfigurationTarget.Global : ConfigurationTarget.Workspace;
    await workspace.getConfiguration("oxide").update("interpreter", file.fsPath, target);
  }
  return false; // the change of the setting is reason enough
}
