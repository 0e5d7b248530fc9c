// The part of the Python extension's interface that Oxide uses. The active environment has no Oxide
// until another one is chosen, which is the one of OXIDE_PYTHON.
const vscode = require("vscode");

exports.activate = (context) => {
  let active = "/usr/bin/python3";
  const changed = new vscode.EventEmitter();
  context.subscriptions.push(
    changed,
    vscode.commands.registerCommand("python.setInterpreter", () => {
      active = process.env.OXIDE_PYTHON;
      changed.fire({ path: active });
    }),
  );
  return {
    environments: {
      getActiveEnvironmentPath: () => ({ path: active }),
      resolveEnvironment: async ({ path }) => ({ executable: { uri: vscode.Uri.file(path) } }),
      onDidChangeActiveEnvironmentPath: changed.event,
    },
  };
};
