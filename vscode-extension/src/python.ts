/** The part of the Python extension's interface that says which environment is active. */

import { Event, extensions, Uri } from "vscode";

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
  const extension = extensions.getExtension<PythonApi>("ms-python.python");
  if (extension === undefined) {
    return undefined;
  }
  return extension.isActive ? extension.exports : await extension.activate();
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
