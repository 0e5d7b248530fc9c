/** The part of the Python extension's interface that says which environment is active. */

import { commands, Event, extensions, Uri } from "vscode";

const PYTHON = "ms-python.python";

interface PythonApi {
  readonly environments: {
    getActiveEnvironmentPath(resource?: Uri): { readonly path: string };
    resolveEnvironment(environment: {
      readonly path: string;
    }): Promise<{ readonly executable: { readonly uri?: Uri } } | undefined>;
    readonly onDidChangeActiveEnvironmentPath: Event<unknown>;
  };
}

/** The interface, once the Python extension runs; undefined if it is not installed. */
export async function pythonApi(): Promise<PythonApi | undefined> {
  const extension = extensions.getExtension<PythonApi>(PYTHON);
  if (extension === undefined) {
    return undefined;
  }
  const api = extension.isActive ? extension.exports : await extension.activate();
  // What calls itself the Python extension need not have its interface.
  return typeof api?.environments?.getActiveEnvironmentPath === "function" ? api : undefined;
}

/** The interpreter of the active environment of `folder`. */
export async function activeInterpreter(
  api: PythonApi | undefined,
  folder: Uri | undefined,
): Promise<string | undefined> {
  if (api === undefined) {
    return undefined;
  }
  const active = api.environments.getActiveEnvironmentPath(folder);
  const environment = await api.environments.resolveEnvironment(active);
  return environment?.executable.uri?.fsPath;
}

/** Let the user choose another environment; false where the Python extension is missing. */
export async function chooseEnvironment(): Promise<boolean> {
  if (extensions.getExtension(PYTHON) === undefined) {
    return false;
  }
  await commands.executeCommand("python.setInterpreter");
  return true;
}
